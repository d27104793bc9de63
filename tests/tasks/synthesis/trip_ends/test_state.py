"""Days of one law: what is known of a day with those before it is closer than what was measured."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from tasks.files import write_manifest
from tasks.privacy.weighted_counts import multiplied
from tasks.region import Guarantee
from tasks.synthesis import trip_field
from tasks.synthesis.chain import LINK, take_up
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.trip_ends import (
    EndsField,
    EndsMeasurements,
    EndsPlan,
    EndsSettings,
    evidence_of,
    make_plan,
    measure,
    save_measurements,
)
from tasks.synthesis.trip_ends.state import STATE, EndsState, advanced, load_state, save_state
from tasks.synthesis.trip_ends.tables import AS_OF_TRIPS, KINDS, touched
from tasks.synthesis.trip_field.lattice import Lattice
from tasks.synthesis.trip_field.state import STATE as STATE_OF_TRIPS
from tasks.synthesis.trip_field.state import load_state as load_state_of_trips
from tests.coupling import coupled_secrets
from tests.tasks.synthesis.trip_ends.conftest import TOWN, drawn, random_field

MONDAY = dt.date(2025, 5, 5)
DAYS = 5


@pytest.fixture(scope="module")
def plan() -> EndsPlan:
    return make_plan((TOWN,), 1000, 900, Guarantee(epsilon=1.0, delta=1e-6), EndsSettings())


@pytest.fixture(scope="module")
def law() -> EndsField:
    return random_field((TOWN,), 0)


@pytest.fixture(scope="module")
def days(plan: EndsPlan, law: EndsField) -> list[EndsMeasurements]:
    with coupled_secrets(seed=1):
        return [measure(drawn(law, seed), plan) for seed in range(DAYS)]


def after(days: list[EndsMeasurements]) -> EndsState | None:
    state = None
    for number, measurements in enumerate(days):
        _, state = advanced(state, measurements, MONDAY + dt.timedelta(number))
    return state


def test_the_first_day_is_known_as_it_was_measured(days: list[EndsMeasurements]) -> None:
    found, _ = advanced(None, days[0], MONDAY)
    alone = evidence_of(days[0])
    for kind in KINDS:
        assert set(found[kind].values) == set(alone[kind].values)
        for name, values in alone[kind].values.items():
            assert (found[kind].values[name] == values).all()
            assert (found[kind].stddev[name] == alone[kind].stddev[name]).all()


def test_days_before_make_starts_and_ends_better_known(
    plan: EndsPlan, law: EndsField, days: list[EndsMeasurements]
) -> None:
    found, _ = advanced(after(days[:-1]), days[-1], MONDAY + dt.timedelta(DAYS - 1))
    alone = evidence_of(days[-1])
    cells = touched(plan.lattice, drawn(law, DAYS - 1))
    tables = {table.name: table for table in plan.mechanism.tables}
    for kind in KINDS:
        for name, as_of_trips in AS_OF_TRIPS.items():
            if (table := tables.get(f"{kind}_{name}")) is None:
                continue
            true = multiplied(table, cells[table.name]) / table.multiplier
            error, error_alone = (
                np.abs(evidence[kind].values[as_of_trips] - true).mean()
                for evidence in (found, alone)
            )
            assert error < 0.8 * error_alone, table.name
            assert error < 1.3 * found[kind].stddev[as_of_trips].mean(), table.name


def test_a_state_can_be_stored(days: list[EndsMeasurements], tmp_path: Path) -> None:
    state = after(days[:2])
    assert state is not None
    assert save_state(tmp_path, state) == STATE.files
    day = MONDAY + dt.timedelta(2)
    (found, _), (again, _) = (
        advanced(each, days[2], day) for each in (state, load_state(tmp_path))
    )
    for kind in KINDS:
        for name, values in found[kind].values.items():
            assert (again[kind].values[name] == values).all()
    (tmp_path / STATE.document).write_text("{}")
    with pytest.raises(ModelFileError, match="restore it from a backup"):
        load_state(tmp_path)


def test_a_chain_goes_on_from_states_of_its_kind_only(
    days: list[EndsMeasurements], tmp_path: Path
) -> None:
    """A region whose feeds begin to change their ids has models of trips before those of ends."""
    lattice = days[0].plan.lattice
    before = [tmp_path / (MONDAY + dt.timedelta(number)).isoformat() for number in range(3)]
    for number, directory in enumerate(before):
        directory.mkdir()
        save_measurements(directory, days[number])
        day = MONDAY + dt.timedelta(number)
        if number == 1:
            link, found = take_up(directory, day, lattice, STATE_OF_TRIPS, load_state_of_trips)
            assert (link.days, found) == (1, None)
            _, of_trips = trip_field.advanced(None, _trips_of(lattice), day)
            files = trip_field.save_state(directory, of_trips)
        else:
            link, state = take_up(directory, day, lattice, STATE, load_state)
            assert link.days == 1 + number // 2
            assert (state is None) == (number == 0)
            files = save_state(directory, advanced(state, days[number], day)[1])
        write_manifest(directory, {}, [*files, LINK])


def _trips_of(lattice: Lattice) -> trip_field.Measurements:
    mechanism = trip_field.FieldMechanism(lattice.boxes, trip_field.FieldSettings(), 4.0)
    plan = mechanism.plan(500)
    zeros = {table.name: np.zeros(table.cells, np.int64) for table in plan.mechanism.tables}
    return trip_field.Measurements(plan, zeros)
