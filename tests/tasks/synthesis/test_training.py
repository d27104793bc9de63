"""What every synthesizer owes the ledger, on made-up trips."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.privacy.errors import AccountingError, LeaseLostError
from tasks.privacy.ledger import Ledger
from tasks.region import Guarantee, TripField, TripNet
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.plan import Plan, make_plan
from tests.tasks.synthesis.charged import (
    BOX,
    ROWS,
    StopError,
    charge_in,
    request_for,
    train_in,
)

MakeTrips = Callable[[int, int], pa.Table]


@pytest.fixture
def trips(make_trips: MakeTrips) -> pa.Table:
    return make_trips(ROWS, 1)


@pytest.fixture(params=[TripField(steps=3), TripNet(levels=1, hidden_units=8, steps=8)])
def plan(request: pytest.FixtureRequest) -> Plan:
    return make_plan(Guarantee(epsilon=1.0, delta=1e-6), (BOX,), request.param, ROWS)


def test_rule_10_the_charge_is_on_disk_before_the_first_private_read(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    states = []

    def read() -> pa.Table:
        states.append(charge_in(tmp_path))
        return trips

    train_in(tmp_path, plan, read)
    assert states == [("reserved", 0)]


def test_rule_4_a_charge_smaller_than_the_mechanism_is_refused(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    for change in ({"epsilon": 0.9}, {"steps_allowed": plan.steps_allowed + 1}):
        wrong = replace(request_for(plan), **change)
        with pytest.raises(AccountingError):
            train_in(tmp_path, plan, lambda: trips, request=wrong)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.charges() == []


def test_trips_that_do_not_match_their_manifest_are_refused(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    with pytest.raises(ModelFileError, match="derive the day again"):
        train_in(tmp_path, plan, lambda: trips.slice(1))


def test_rule_11_what_is_stored_names_no_loss_and_no_seed(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    train_in(tmp_path, plan, lambda: trips)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "model").glob("*.json"))
    for word in (b"loss", b"seed", b"norms", b"gradient"):
        assert word not in stored.lower()


def test_a_read_that_fails_costs_nothing(tmp_path: Path, plan: Plan, trips: pa.Table) -> None:
    def fail() -> pa.Table:
        raise StopError

    with pytest.raises(StopError):
        train_in(tmp_path, plan, fail)
    assert charge_in(tmp_path) == ("reserved", 0)
    train_in(tmp_path, plan, lambda: trips)


def test_a_run_that_lost_its_lease_makes_nothing(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    def take_over() -> pa.Table:
        with Ledger(tmp_path / "ledger.sqlite") as other:
            other.reserve(request_for(plan), "other")
        return trips

    with pytest.raises(LeaseLostError):
        train_in(tmp_path, plan, take_over)
    assert charge_in(tmp_path) == ("reserved", 0)
    assert not list((tmp_path / "model").glob("*"))
