"""`trip_field` under the ledger: one measurement for each charge, whatever crashes."""

import datetime as dt
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.privacy.errors import LedgerError, StepsSpentError
from tasks.privacy.ledger import Ledger
from tasks.region import Guarantee, TripField
from tasks.synthesis import field_training, measured, trip_field
from tasks.synthesis.measured import MEASURED_FOR
from tasks.synthesis.model_file import load_model
from tasks.synthesis.plan import Plan, make_plan
from tasks.synthesis.training import train
from tasks.synthesis.trip_field import FieldMechanism, load_measurements
from tests.tasks.synthesis.charged import (
    BOX,
    ROWS,
    StopError,
    charge_in,
    never,
    request_for,
    train_in,
)

MakeTrips = Callable[[int, int], pa.Table]
ROOT = Path(__file__).parents[3]
SETTINGS = TripField(steps=3)


@pytest.fixture
def trips(make_trips: MakeTrips) -> pa.Table:
    return make_trips(ROWS, 1)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(Guarantee(epsilon=1.0, delta=1e-6), (BOX,), SETTINGS, ROWS)


@pytest.fixture(scope="module")
def private_plan() -> Plan:
    """The number of trips is private."""
    guarantee = Guarantee(adjacency="add_remove", epsilon=1.0, delta=1e-6)
    return make_plan(guarantee, (BOX,), SETTINGS, None)


def crash(*arguments: object) -> None:
    raise StopError


def test_a_day_is_measured_once_and_says_what_it_cost(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    manifest = train_in(tmp_path, plan, lambda: trips)
    privacy = manifest["privacy"]
    assert (privacy["unit"], privacy["adjacency"], privacy["epsilon"]) == ("trip", "zero_out", 1.0)
    assert privacy["epsilon_pld"] <= privacy["epsilon_rdp"]
    assert privacy["epsilon_pld"] <= 1.0
    assert privacy["steps_executed"] == 1
    mechanism = privacy["mechanism"]
    assert mechanism["name"] == "gaussian_counts"
    assert mechanism["noise_multiplier"] == plan.mechanism.noise_multiplier
    stored = load_measurements(tmp_path / "model")
    assert mechanism["tables"] == stored.plan.mechanism.describe()["tables"]
    assert charge_in(tmp_path) == ("trained", 1)
    assert load_model(tmp_path / "model").rows == ROWS


def test_rule_6_the_measurement_is_counted_before_it_is_made(
    tmp_path: Path, plan: Plan, trips: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    measure = trip_field.measure

    def watched(*arguments: Any) -> Any:
        seen.append(charge_in(tmp_path))
        return measure(*arguments)

    monkeypatch.setattr(measured, "measure", watched)
    train_in(tmp_path, plan, lambda: trips)
    assert seen == [("running", 1)]


def test_rule_6_a_fit_that_fails_costs_nothing(
    tmp_path: Path, plan: Plan, trips: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(field_training, "fit_with_spread", crash)
        with pytest.raises(StopError):
            train_in(tmp_path, plan, lambda: trips)
    assert charge_in(tmp_path) == ("trained", 1)
    first = (tmp_path / "model" / "measurements.npz").read_bytes()
    assert train_in(tmp_path, plan, never)["privacy"]["steps_executed"] == 1
    assert (tmp_path / "model" / "measurements.npz").read_bytes() == first


def test_rule_10_a_measurement_that_was_begun_and_is_lost_is_not_made_again(
    tmp_path: Path, plan: Plan, trips: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(measured, "save_measurements", crash)
        with pytest.raises(StopError):
            train_in(tmp_path, plan, lambda: trips)
    with pytest.raises(StepsSpentError, match="not measured twice") as caught:
        train_in(tmp_path, plan, never)
    assert "\n" not in str(caught.value)
    assert charge_in(tmp_path) == ("burned", 1)
    with pytest.raises(LedgerError, match="was burned"):
        train_in(tmp_path, plan, never)


def test_rule_10_a_ledger_older_than_the_measurement_is_refused(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    train_in(tmp_path, plan, lambda: trips)
    (tmp_path / "ledger.sqlite").unlink()
    with pytest.raises(LedgerError, match="older than that; restore"):
        train_in(tmp_path, plan, never)
    assert charge_in(tmp_path) == ("reserved", 0)


def test_the_measurement_of_another_charge_is_not_taken(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    train_in(tmp_path, plan, lambda: trips)
    before = load_measurements(tmp_path / "model")
    (tmp_path / "model" / MEASURED_FOR).write_text("another charge")
    day = request_for(plan).service_day + dt.timedelta(days=1)
    later = replace(
        request_for(plan, "other input"),
        service_day=day,
        start=request_for(plan).end,
        end=request_for(plan).end + dt.timedelta(days=1),
    )
    train_in(tmp_path, plan, lambda: trips, request=later)
    after = load_measurements(tmp_path / "model")
    assert any((after.counts[name] != before.counts[name]).any() for name in before.counts)


def test_the_next_day_goes_on_from_what_was_measured_before(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    first = request_for(plan)
    second = replace(
        request_for(plan, "other input"),
        service_day=first.service_day + dt.timedelta(days=1),
        start=first.end,
        end=first.end + dt.timedelta(days=1),
    )
    told = []
    for request in (first, second):
        models = tmp_path / "models" / request.service_day.isoformat()
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            manifest = train(plan, request, ledger, lambda: trips, models, "run", {})
        told.append(manifest["privacy"]["history"])
    assert [each["days"] for each in told] == [1, 2]
    assert told[1]["parent"] == told[0]["link"]
    assert told[1]["parent_day"] == first.service_day.isoformat()


def test_rule_5_what_is_measured_follows_from_the_count_that_was_measured_once(
    tmp_path: Path, private_plan: Plan, trips: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []

    class Watched(FieldMechanism):
        def plan(self, count: int) -> Any:
            rows.append(count)
            return super().plan(count)

    mechanism = private_plan.mechanism
    assert isinstance(mechanism, FieldMechanism)
    watched = replace(private_plan, mechanism=Watched(**vars(mechanism)))
    with monkeypatch.context() as patched:
        patched.setattr(field_training, "fit_with_spread", crash)
        with pytest.raises(StopError):
            train_in(tmp_path, watched, lambda: trips)
    manifest = train_in(tmp_path, watched, never)
    measured_rows = json.loads((tmp_path / "model" / "measured.json").read_bytes())["count"]
    assert rows == [measured_rows] * 2
    assert manifest["rows"] == measured_rows
    assert charge_in(tmp_path) == ("trained", 2)
    assert private_plan.steps_allowed == 2


def test_rule_4_what_is_charged_changes_with_the_noise_and_the_count(
    plan: Plan, private_plan: Plan
) -> None:
    louder = replace(private_plan.mechanism, noise_multiplier=99.0)
    events = [
        plan.event(),
        private_plan.event(),
        replace(private_plan, count=None).event(),
        replace(private_plan, mechanism=louder).event(),
    ]
    assert all(a != b for i, a in enumerate(events) for b in events[:i])
    assert private_plan.mechanism.noise_multiplier > plan.mechanism.noise_multiplier


@pytest.mark.parametrize("rows", [1, 100, 600, 27_000, 900_000])
@pytest.mark.parametrize("unit", [1, 4])
def test_rule_4_no_day_costs_more_than_what_was_solved_for(
    plan: Plan, rows: int, unit: int
) -> None:
    assert isinstance(plan.mechanism, FieldMechanism)
    mechanism = replace(plan.mechanism, trips_per_unit=unit)
    measured_with = mechanism.plan(rows).mechanism.event().noise_multiplier
    assert mechanism.noise_multiplier <= measured_with < 1.01 * mechanism.noise_multiplier


KILLED = """
import os, pathlib, signal, sys
import pyarrow.parquet as pq
from tasks.privacy.ledger import Ledger
from tasks.synthesis import field_training, measured, trip_field
from tasks.synthesis.plan import make_plan
from tasks.region import Guarantee
from tests.tasks.synthesis import charged, test_field_training as t
here, moment = pathlib.Path(sys.argv[1]), sys.argv[2]

def die(*ignored):
    os.kill(os.getpid(), signal.SIGKILL)

def after(function):
    def and_die(*arguments):
        function(*arguments)
        die()
    return and_die

read = lambda: pq.read_table(here / "trips.parquet")
if moment == "reading":
    read = die
elif moment == "counted":
    Ledger.start_steps = after(Ledger.start_steps)
elif moment == "half stored":
    measured.save_measurements = after(measured.save_measurements)
elif moment == "stored":
    measured.write_atomically = after(measured.write_atomically)
elif moment == "fitting":
    field_training.fit_with_spread = die
plan = make_plan(Guarantee(epsilon=1.0, delta=1e-6), (charged.BOX,), t.SETTINGS, charged.ROWS)
charged.train_in(here, plan, read)
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["reading", "counted", "half stored", "stored", "fitting"])
def test_rule_6_kill_9_at_any_moment_never_leads_to_a_second_measurement(
    tmp_path: Path, plan: Plan, trips: pa.Table, moment: str
) -> None:
    pq.write_table(trips, tmp_path / "trips.parquet")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), moment], cwd=ROOT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    if moment == "reading":
        assert charge_in(tmp_path) == ("reserved", 0)
        train_in(tmp_path, plan, lambda: trips)
    elif moment in ("stored", "fitting"):
        train_in(tmp_path, plan, never)
        assert charge_in(tmp_path) == ("trained", 1)
    else:
        with pytest.raises(StepsSpentError, match="not measured twice"):
            train_in(tmp_path, plan, never)
