from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tasks.privacy.accountant import epsilon_by_pld, epsilons
from tasks.privacy.mechanism import Composition
from tasks.region import Guarantee, TripEnds
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.plan import Plan
from tasks.synthesis.plan import make_plan as plan_training
from tasks.synthesis.trip_ends import (
    EndsField,
    EndsMechanism,
    EndsSettings,
    EndsShares,
    load_measurements,
    make_plan,
    measure,
    save_measurements,
)
from tasks.synthesis.trip_ends.tables import AS_OF_TRIPS, KINDS
from tests.tasks.synthesis.trip_ends.conftest import TOWN, drawn

SMALL = Guarantee(epsilon=0.666, delta=1e-6)


@cache
def planned(adjacency: str) -> Plan:
    guarantee = Guarantee(epsilon=0.7, delta=1e-6, adjacency=adjacency)
    numbers = (5000, 4000) if adjacency == "zero_out" else None
    return plan_training(guarantee, (TOWN,), TripEnds(), numbers)


@pytest.mark.parametrize("adjacency", ["zero_out", "add_remove"])
def test_a_plan_keeps_its_guarantee_counts_included(adjacency: str) -> None:
    plan = planned(adjacency)
    cost = epsilons(plan.event(), 1e-6)
    assert 0.68 < cost.pld <= 0.7 < cost.rdp
    alone = epsilon_by_pld(plan.mechanism.event(), 1e-6)
    assert (alone < cost.pld - 1e-3) == (plan.count is not None) == (adjacency == "add_remove")
    assert isinstance(plan.mechanism, EndsMechanism)
    for starts, ends in ((3, 50), (5000, 4000), (900_000, 900_000)):
        tables = plan.mechanism.plan(starts, ends).mechanism
        assert tables.event().noise_multiplier >= plan.mechanism.noise_multiplier


def test_both_noisy_counts_are_paid_for() -> None:
    plan = planned("add_remove")
    assert plan.count is not None
    assert plan.count.sensitivity == 1
    assert plan.count.epsilon == pytest.approx(0.0175, rel=1e-4)
    forgetful = Composition((plan.count, plan.mechanism)).event()
    assert epsilon_by_pld(forgetful, 1e-6) < epsilon_by_pld(plan.event(), 1e-6) - 1e-3


def test_a_day_without_starts_or_ends_is_refused() -> None:
    with pytest.raises(ValueError, match="starts and ends, got 5000 and 0"):
        make_plan((TOWN,), 5000, 0, SMALL, EndsSettings())


def test_small_days_are_measured_coarsely() -> None:
    small, large = (
        make_plan((TOWN,), rides, rides, SMALL, EndsSettings()) for rides in (50, 100_000)
    )
    names, more = ({table.name for table in plan.mechanism.tables} for plan in (small, large))
    assert {"start_blocks", "end_blocks"} <= names
    assert not {"start_quarters", "end_sixteenths"} & names
    assert more == {f"{kind}_{name}" for kind in KINDS for name in AS_OF_TRIPS}
    assert small.lattice.cells_per_degree < large.lattice.cells_per_degree


def test_negative_shares_are_refused() -> None:
    with pytest.raises(ValueError, match="shares of the budget"):
        EndsShares(cells=-1)


def test_what_was_measured_can_be_stored_before_it_is_fitted(
    town_field: EndsField, tmp_path: Path
) -> None:
    guarantee = Guarantee(epsilon=2, delta=1e-6)
    plan = make_plan((TOWN,), 1000, 900, guarantee, EndsSettings())
    measured = measure(drawn(town_field, 0), plan)
    assert save_measurements(tmp_path, measured) == ["measurements.npz", "measurements.json"]
    read = load_measurements(tmp_path)
    assert read.plan == plan
    assert {name: counts.tolist() for name, counts in read.counts.items()} == {
        name: counts.tolist() for name, counts in measured.counts.items()
    }
    less = {name: counts for name, counts in measured.counts.items() if name != "end_cells"}
    save_measurements(tmp_path, replace(measured, counts=less))
    with pytest.raises(ModelFileError, match="do not fit"):
        load_measurements(tmp_path)
