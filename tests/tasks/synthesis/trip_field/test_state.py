import ast
import datetime as dt
import inspect
import typing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tasks.region import Box, Guarantee
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.trip_field import (
    Evidence,
    Field,
    FieldSettings,
    Measurements,
    Plan,
    State,
    advanced,
    load_state,
    make_plan,
    save_state,
)
from tasks.synthesis.trip_field import evidence as evidence_module
from tasks.synthesis.trip_field import layout as layout_module
from tasks.synthesis.trip_field import state as state_module
from tasks.synthesis.trip_field import surprise as surprise_module
from tasks.synthesis.trip_field import tracks as tracks_module
from tasks.synthesis.trip_field.fit import fit
from tasks.synthesis.trip_field.lattice import Floats
from tasks.synthesis.trip_field.sampling import sample
from tasks.synthesis.trip_field.tables import table_sizes, touched
from tests.tasks.synthesis.trip_field.conftest import random_field

BOX = Box(name="town", south=50.0, west=8.0, north=50.1, east=8.1)
ROWS = 3_000
MONDAY = dt.date(2026, 6, 1)
GUARANTEE = Guarantee(epsilon=0.666, delta=1e-6)
Counts = dict[str, Floats]


@pytest.fixture(scope="module")
def truth() -> Field:
    return random_field(BOX, 7)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan((BOX,), ROWS, GUARANTEE, FieldSettings(steps=40))


@pytest.fixture(scope="module")
def rates(truth: Field, plan: Plan) -> Counts:
    """Expected counts of a day of `ROWS` trips."""
    return expected(truth, plan)


def expected(truth: Field, plan: Plan) -> Counts:
    drawn = sample(truth, 50_000, np.random.default_rng(0))
    return {name: count * ROWS / 50_000 for name, count in true_counts(drawn, plan).items()}


def true_counts(trips: pa.Table, plan: Plan) -> Counts:
    cells = touched(plan.lattice, plan.lattice.encode(trips))
    return {
        table.name: np.bincount(
            cells[table.name][cells[table.name] >= 0], minlength=table.cells
        ).astype(float)
        for table in plan.mechanism.tables
    }


def measured(plan: Plan, counts: Counts, generator: np.random.Generator) -> Measurements:
    """What a measurement of a day with these counts may look like."""
    noisy = {
        table.name: np.rint(
            (counts[table.name] + generator.normal(0, table.stddev, table.cells)) * table.multiplier
        ).astype(np.int64)
        for table in plan.mechanism.tables
    }
    return Measurements(plan, noisy)


def without_noise(plan: Plan, counts: Counts) -> Measurements:
    """A measurement whose noise happens to be none, so that all else shows."""
    exact = {
        table.name: np.rint(counts[table.name] * table.multiplier).astype(np.int64)
        for table in plan.mechanism.tables
    }
    return Measurements(plan, exact)


def drawn(rates: Counts, generator: np.random.Generator) -> Counts:
    return {name: generator.poisson(rate).astype(float) for name, rate in rates.items()}


def chain(
    plan: Plan, rates: Counts, days: typing.Iterable[int], seed: int = 0
) -> Iterator[tuple[Counts, Evidence, State]]:
    """Days one after the other, each with its noise whatever the order."""
    state: State | None = None
    for day in days:
        generator = np.random.default_rng([seed, day])
        counts = drawn(rates, generator)
        found, state = advanced(
            state, measured(plan, counts, generator), MONDAY + dt.timedelta(day)
        )
        yield counts, found, state


def error(counts: Counts, found: Evidence, name: str) -> float:
    return float(np.abs(found.values[name] - counts[name]).mean())


def test_without_days_before_the_measurement_is_the_evidence(plan: Plan, rates: Counts) -> None:
    measurements = measured(plan, rates, np.random.default_rng(0))
    found, state = advanced(None, measurements, MONDAY)
    alone = Evidence.of(measurements)
    assert set(found.values) == set(alone.values) == set(state.carried(plan.lattice))
    for name in alone.values:
        assert (found.values[name] == alone.values[name]).all()
        assert (found.stddev[name] == alone.stddev[name]).all()
    assert state.day == MONDAY


def test_every_table_gets_better_and_says_how_much(plan: Plan, rates: Counts) -> None:
    first, *_, last = chain(plan, rates, range(12))
    for name, rate in rates.items():
        if len(rate) >= 96:
            assert error(*last[:2], name) < 0.7 * error(*first[:2], name), name
        off = (last[1].values[name] - last[0][name]) / last[1].stddev[name]
        assert np.mean(off**2) == pytest.approx(1, abs=5 / np.sqrt(len(off)) + 0.1), name


def test_nothing_but_noisy_counts_and_the_calendar_is_read() -> None:
    hints = typing.get_type_hints(advanced)
    assert {name: hints[name] for name in ("state", "measurements", "day")} == {
        "state": State | None,
        "measurements": Measurements,
        "day": dt.date,
    }
    assert set(hints) == {"state", "measurements", "day", "dynamics", "return"}
    for module in (
        evidence_module,
        layout_module,
        state_module,
        surprise_module,
        tracks_module,
    ):
        names = {
            name
            for node in ast.walk(ast.parse(inspect.getsource(module)))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (*(alias.name for alias in node.names), getattr(node, "module", None) or "")
        }
        assert not names & {"pyarrow", "measure", "touched", "Places"}, module.__name__


def test_a_missing_day_makes_the_next_less_certain(plan: Plan, rates: Counts) -> None:
    *_, (_, _, state) = chain(plan, rates, range(10))
    measurements = measured(plan, rates, np.random.default_rng(5))
    # both are Thursdays
    soon, _ = advanced(state, measurements, MONDAY + dt.timedelta(10))
    late, after = advanced(state, measurements, MONDAY + dt.timedelta(31))
    for name in rates:
        assert late.stddev[name].sum() > soon.stddev[name].sum(), name
        assert (late.stddev[name] < Evidence.of(measurements).stddev[name]).all(), name
    assert after.day == MONDAY + dt.timedelta(31)


def test_a_backfilled_day_enters_the_chain_where_it_is_made(plan: Plan, rates: Counts) -> None:
    *_, (_, _, ordered) = chain(plan, rates, range(8))
    *_, (counts, found, late) = chain(plan, rates, [0, 1, 2, 4, 5, 6, 7, 3])
    assert late.day == ordered.day
    alone = error(counts, Evidence.of(measured(plan, counts, np.random.default_rng(1))), "ends")
    assert error(counts, found, "ends") < 0.7 * alone
    for name in ("ends", "hours"):
        one, other = (state.carried(plan.lattice)[name].track for state in (ordered, late))
        spread = np.sqrt(one.covariance[0])
        gap = np.abs(other.mean[0] - one.mean[0])
        assert (gap < 0.5 * spread).mean() > 0.9, name
    far, _ = advanced(late, measured(plan, rates, np.random.default_rng(2)), dt.date(2025, 6, 5))
    assert far.stddev["hours"].mean() > 1.5 * found.stddev["hours"].mean()


def test_another_area_starts_anew_and_another_resolution_keeps_what_it_can(
    plan: Plan, rates: Counts
) -> None:
    *_, (_, _, state) = chain(plan, rates, range(3))
    moved = make_plan((BOX.model_copy(update={"north": 50.2}),), ROWS, GUARANTEE, FieldSettings())
    assert state.carried(moved.lattice) == {}
    finer = replace(moved, lattice=replace(plan.lattice, cells_per_degree=200))
    kept = state.carried(finer.lattice)
    assert set(kept) == {
        "area_hours",
        "hours",
        "area_distances",
        "distances",
        "bearings",
        "hour_octaves",
    }
    none = {table.name: np.zeros(table.cells) for table in moved.mechanism.tables}
    measurements = measured(moved, none, np.random.default_rng(0))
    found, after = advanced(state, measurements, MONDAY + dt.timedelta(3))
    assert (found.values["hours"] == Evidence.of(measurements).values["hours"]).all()
    assert after.lattice == moved.lattice
    assert after.carried(plan.lattice) == {}


def test_what_is_known_waits_while_days_are_of_another_size(plan: Plan, rates: Counts) -> None:
    *_, (_, _, state) = chain(plan, rates, range(8))
    before = state.carried(plan.lattice)
    finer = replace(plan, lattice=replace(plan.lattice, cells_per_degree=200))
    sizes = table_sizes(finer.lattice)
    resized = tuple(replace(table, cells=sizes[table.name][0]) for table in plan.mechanism.tables)
    finer = replace(finer, mechanism=replace(plan.mechanism, tables=resized))
    none = {table.name: np.zeros(table.cells) for table in resized}
    large = measured(finer, none, np.random.default_rng(0))
    _, between = advanced(state, large, MONDAY + dt.timedelta(8))
    waited = between.carried(plan.lattice)
    assert (waited["ends"].track.mean == before["ends"].track.mean).all()
    assert waited["ends"].day == MONDAY + dt.timedelta(7)
    assert waited["hours"].day == MONDAY + dt.timedelta(8)
    assert between.carried(finer.lattice)["ends"].day == MONDAY + dt.timedelta(8)
    ordinary = measured(plan, rates, np.random.default_rng(9))
    found, _ = advanced(between, ordinary, MONDAY + dt.timedelta(9))
    assert np.median(found.stddev["ends"] / Evidence.of(ordinary).stddev["ends"]) < 0.6


def test_a_table_that_is_not_measured_today_is_still_known(plan: Plan, rates: Counts) -> None:
    *_, (_, _, state) = chain(plan, rates, range(6))
    small = replace(
        plan,
        rows=300,
        mechanism=replace(
            plan.mechanism,
            tables=tuple(table for table in plan.mechanism.tables if table.name != "quarters"),
        ),
    )
    tenth = {name: rate / 10 for name, rate in rates.items()}
    found, after = advanced(
        state, measured(small, tenth, np.random.default_rng(0)), MONDAY + dt.timedelta(7)
    )
    assert found.values["quarters"].sum() == pytest.approx(tenth["quarters"].sum(), rel=0.3)
    assert set(after.tables) == set(state.tables)


def test_an_unusual_day_shows_in_every_table_of_its_place_and_goes(
    plan: Plan, rates: Counts
) -> None:
    block, cell, trips = 2, 2 * 25 + 7, 900
    generator = np.random.default_rng(1)
    state: State | None = None
    for day in range(14):
        counts = drawn(rates, generator)
        if day == 10:
            counts["ends"][cell] += trips
            counts["block_ends"][block] += trips
            counts["block_hours"][block * 24 + 18 : block * 24 + 22] += trips / 8
        found, state = advanced(
            state, measured(plan, counts, generator), MONDAY + dt.timedelta(day)
        )
        here = found.values["ends"][cell] - rates["ends"][cell]
        evening = found.values["block_hours"][block * 24 + 18 : block * 24 + 22].sum()
        evening -= rates["block_hours"][block * 24 + 18 : block * 24 + 22].sum()
        if day == 10:
            assert here > 0.9 * trips
            assert evening > 0.75 * trips / 2
        elif day > 10:
            assert abs(here) < 0.12 * trips
        if day == 13:
            assert abs(here) < 0.06 * trips
            assert abs(evening) < 0.2 * trips / 2


def test_new_trips_at_a_place_are_believed_at_all_hours_though_no_hour_shows_them(
    plan: Plan, rates: Counts
) -> None:
    """Six more an hour are well within the noise; where they end, they are seen."""
    block, cell, trips = 2, 2 * 25 + 7, 150
    *_, (_, _, state) = chain(plan, rates, range(8))
    day, hours = MONDAY + dt.timedelta(8), slice(block * 24, block * 24 + 24)
    counts = {name: rate.copy() for name, rate in rates.items()}
    counts["ends"][cell] += 2 * trips
    counts["block_ends"][block] += 2 * trips
    counts["block_hours"][hours] += trips / 24
    (usual, _), (found, _) = (
        advanced(state, without_noise(plan, each), day) for each in (rates, counts)
    )
    more = found.values["block_hours"][hours] - usual.values["block_hours"][hours]
    assert more.sum() > 0.6 * trips  # 0.23 by themselves


def test_the_first_weekend_has_its_hours_everywhere_though_no_place_shows_them() -> None:
    """Hours of 48 blocks are lost in noise one by one; their sums are not."""
    box = Box(name="town", south=50.0, west=8.0, north=50.3, east=8.4)
    wide = make_plan((box,), ROWS, GUARANTEE, FieldSettings(steps=40))
    rates = expected(random_field(box, 7), wide)
    *_, (_, _, state) = chain(wide, rates, range(5))
    late = {
        name: np.roll(rate.reshape(-1, 24), 6, axis=1).ravel() if name.endswith("hours") else rate
        for name, rate in rates.items()
    }
    saturday, _ = advanced(state, without_noise(wide, late), MONDAY + dt.timedelta(5))
    found, true, before = (
        counts["block_hours"].reshape(-1, 24).sum(axis=0)
        for counts in (saturday.values, late, rates)
    )
    assert np.abs(before - true).sum() > 0.25 * ROWS
    assert np.abs(found - true).sum() < 0.18 * ROWS  # 0.29 where blocks know of no sums


def test_a_state_can_be_stored_and_goes_on_as_if_it_had_not_been(
    plan: Plan, rates: Counts, tmp_path: Path
) -> None:
    *_, (_, _, state) = chain(plan, rates, range(3))
    assert save_state(tmp_path, state) == ["state.npz", "state.json"]
    read = load_state(tmp_path)
    assert (read.day, read.lattice) == (state.day, state.lattice)
    measurements = measured(plan, rates, np.random.default_rng(9))
    (a, _), (b, _) = (
        advanced(one, measurements, MONDAY + dt.timedelta(3)) for one in (state, read)
    )
    for name in rates:
        assert (a.values[name] == b.values[name]).all()
        assert (a.stddev[name] == b.stddev[name]).all()
    numbers = sum(
        known.track.mean.size + known.track.covariance.size for known in state.tables.values()
    )
    assert (tmp_path / "state.npz").stat().st_size < 4 * numbers + 20_000


def test_files_that_are_no_state_are_named(plan: Plan, rates: Counts, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=str(tmp_path)):
        load_state(tmp_path)
    *_, (_, _, state) = chain(plan, rates, range(1))
    known = state.carried(plan.lattice)["ends"]
    cut = replace(known.track, covariance=known.track.covariance[:, :5])
    save_state(tmp_path, replace(state, tables={"ends": replace(known, track=cut)}))
    with pytest.raises(ModelFileError, match="do not fit"):
        load_state(tmp_path)


@pytest.mark.slow
def test_a_field_is_closer_with_the_days_before(truth: Field, plan: Plan, rates: Counts) -> None:
    """The short version of thirty days; without the state both errors would be alike."""
    first, *_, last = chain(plan, rates, range(10))
    true, errors = truth.flows.sum(axis=2), []
    for _, found, _ in (first, last):
        flows = fit(plan, found).flows.sum(axis=2)
        errors.append(np.abs(flows - true).sum() / 2)
    assert errors[1] < 0.75 * errors[0]
