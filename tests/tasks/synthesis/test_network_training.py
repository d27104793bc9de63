"""`trip_net` under the ledger, killed and resumed, on made-up trips."""

import datetime as dt
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.files import FileError
from tasks.privacy.counts import NoisyCount
from tasks.privacy.errors import (
    CapExceededError,
    LedgerError,
    StepsSpentError,
)
from tasks.privacy.ledger import ChargeRequest, Ledger
from tasks.region import Guarantee, TripField, TripNet
from tasks.synthesis import network_training
from tasks.synthesis.chain import LINK
from tasks.synthesis.checkpoint import CHECKPOINT
from tasks.synthesis.dpsgd import DpSgd, Optimizer, Vector
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.measured import MEASURED
from tasks.synthesis.model_file import load_model
from tasks.synthesis.network_file import NETWORK, load_network
from tasks.synthesis.network_training import learning_rate
from tasks.synthesis.plan import Plan, make_plan
from tasks.synthesis.training import train
from tests.tasks.synthesis.charged import (
    BOX,
    ROWS,
    StopError,
    charge_in,
    request_for,
    train_in,
)

ROOT = Path(__file__).parents[3]
MakeTrips = Callable[[int, int], pa.Table]
SETTINGS = TripNet(levels=1, hidden_units=8, steps=40, reserve_steps=8)


@pytest.fixture
def trips(make_trips: MakeTrips) -> pa.Table:
    return make_trips(ROWS, 1)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(Guarantee(epsilon=1.0, delta=1e-6), (BOX,), SETTINGS, ROWS)


def test_a_day_is_trained_and_says_what_it_cost(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    seen: list[int] = []
    manifest = train_in(tmp_path, plan, lambda: trips, seen=seen)
    privacy = manifest["privacy"]
    assert isinstance(privacy, dict)
    assert (privacy["unit"], privacy["adjacency"]) == ("trip", "zero_out")
    assert (privacy["epsilon"], privacy["delta"]) == (1.0, 1e-6)
    assert privacy["epsilon_pld"] <= 1.0
    assert privacy["epsilon_pld"] <= privacy["epsilon_rdp"]
    assert privacy["steps_executed"] == 40
    assert privacy["mechanism"]["noise_multiplier"] == plan.mechanism.noise_multiplier
    assert charge_in(tmp_path) == ("trained", 40)
    assert seen == list(range(2, 41, 2))
    assert load_model(tmp_path / "model").rows == ROWS
    assert not (tmp_path / "model" / CHECKPOINT).exists()


def test_rule_10_a_refused_charge_reads_nothing(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    train_in(tmp_path, plan, lambda: trips)
    other = replace(plan, settings=SETTINGS.model_copy(update={"learning_rate": 0.1}))
    (tmp_path / "model" / "manifest.json").unlink()

    def read() -> pa.Table:
        raise AssertionError("read although refused")

    with pytest.raises(CapExceededError, match="already charged: charge 1"):
        train_in(tmp_path, other, read)
    with pytest.raises(CapExceededError):
        train_in(tmp_path, plan, read, request=request_for(plan, input_sha256="another day's"))


def test_rule_6_steps_are_counted_before_they_run(
    tmp_path: Path, plan: Plan, trips: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[int, int]] = []
    step = DpSgd.step

    def watched(self: DpSgd) -> None:
        counted.append((self.steps + 1, charge_in(tmp_path)[1]))
        step(self)

    monkeypatch.setattr(DpSgd, "step", watched)
    train_in(tmp_path, plan, lambda: trips)
    assert len(counted) == 40
    assert all(ledger >= mine for mine, ledger in counted)


def test_rule_10_a_ledger_older_than_the_checkpoint_is_refused(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    with pytest.raises(StopError):
        train_in(tmp_path, plan, lambda: trips, stop_at=10)
    (tmp_path / "ledger.sqlite").unlink()

    def read() -> pa.Table:
        raise AssertionError("read although refused")

    for _ in range(2):
        with pytest.raises(LedgerError, match="has run 10 steps, the ledger knows of 0"):
            train_in(tmp_path, plan, read)
    assert charge_in(tmp_path) == ("reserved", 0)


def test_rule_6_a_resume_uses_only_the_steps_left(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    with pytest.raises(StopError):
        train_in(tmp_path, plan, lambda: trips, stop_at=10)
    (tmp_path / "model" / CHECKPOINT).rename(tmp_path / "old")
    with pytest.raises(StepsSpentError, match="40 steps are missing but only 38 of 48"):
        train_in(tmp_path, plan, lambda: trips)
    assert charge_in(tmp_path) == ("burned", 10)
    (tmp_path / "old").rename(tmp_path / "model" / CHECKPOINT)
    with pytest.raises(LedgerError, match="was burned"):
        train_in(tmp_path, plan, lambda: trips)


def test_rule_6_a_resume_goes_on_from_the_checkpoint(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    for stop in (10, 20, 30):
        with pytest.raises(StopError):
            train_in(tmp_path, plan, lambda: trips, stop_at=stop)
    seen: list[int] = []
    manifest = train_in(tmp_path, plan, lambda: trips, seen=seen)
    assert seen[0] == 32
    assert manifest["privacy"]["steps_executed"] == 40


def test_a_crash_between_the_last_step_and_the_manifest_costs_nothing(
    tmp_path: Path, plan: Plan, trips: pa.Table
) -> None:
    with pytest.raises(StopError):
        train_in(tmp_path, plan, lambda: trips, stop_at=40)

    def read() -> pa.Table:
        raise AssertionError("nothing is left to read")

    manifest = train_in(tmp_path, plan, read)
    assert manifest["privacy"]["steps_executed"] == 40


def nth_day(plan: Plan, number: int) -> ChargeRequest:
    first = request_for(plan, f"input {number}")
    later = dt.timedelta(days=number)
    return replace(
        first,
        service_day=first.service_day + later,
        start=first.start + later,
        end=first.end + later,
    )


@dataclass(frozen=True)
class Region:
    """Days of a region, trained side by side in one directory, and what each started from."""

    directory: Path
    started: list[tuple[Vector, float]]

    def model(self, number: int) -> Path:
        return self.directory / "models" / f"{request_day(number)}"

    def train(
        self, plan: Plan, number: int, trips: pa.Table, stop_at: int | None = None
    ) -> dict[str, Any]:
        def progress(done: int, planned: int) -> None:
            if done == stop_at:
                raise StopError

        with Ledger(self.directory / "ledger.sqlite") as ledger:
            return train(
                plan,
                nth_day(plan, number),
                ledger,
                lambda: trips,
                self.model(number),
                "run",
                {},
                progress,
            )


def request_day(number: int) -> dt.date:
    return dt.date(2026, 5, 20) + dt.timedelta(days=number)


@pytest.fixture
def region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Region:
    watched = Region(tmp_path, [])
    engine = network_training._engine

    def noted(attempt: Any, mechanism: Any, network: Any, optimizer: Optimizer) -> DpSgd:
        watched.started.append((optimizer.weights.copy(), optimizer.learning_rate))
        return engine(attempt, mechanism, network, optimizer)

    monkeypatch.setattr(network_training, "_engine", noted)
    return watched


@pytest.fixture(scope="module")
def short() -> Plan:
    settings = SETTINGS.model_copy(update={"steps": 4, "reserve_steps": 8})
    return make_plan(Guarantee(epsilon=1.0, delta=1e-6), (BOX,), settings, ROWS)


@pytest.mark.slow
def test_a_day_starts_from_the_weights_of_the_day_before_it(
    region: Region, short: Plan, trips: pa.Table
) -> None:
    told = [region.train(short, number, trips)["privacy"]["history"] for number in range(3)]
    assert [each["days"] for each in told] == [1, 2, 3]
    for number in (1, 2):
        assert told[number]["parent"] == told[number - 1]["link"]
        assert told[number]["parent_day"] == request_day(number - 1).isoformat()
        before = load_network(region.model(number - 1)).weights
        assert (region.started[number][0] == before).all()
    rates = [learning_rate(SETTINGS, days) for days in range(3)]
    assert [rate for _, rate in region.started] == rates


def test_steps_get_shorter_with_the_days_behind_them() -> None:
    rates = [learning_rate(SETTINGS, days) / SETTINGS.learning_rate for days in range(6)]
    assert rates == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 4, 1 / 4])


@pytest.mark.slow
def test_a_day_filled_in_later_enters_the_chain_where_it_is_made(
    region: Region, short: Plan, trips: pa.Table
) -> None:
    made = [region.train(short, number, trips)["privacy"]["history"] for number in (1, 3, 0, 4)]
    parents = [each["parent_day"] for each in made]
    assert parents == [None, *(request_day(number).isoformat() for number in (1, 3, 0))]


@pytest.mark.slow
def test_a_training_that_goes_on_has_the_same_day_behind_it(
    region: Region, short: Plan, trips: pa.Table
) -> None:
    region.train(short, 0, trips)
    with pytest.raises(StopError):
        region.train(short, 2, trips, stop_at=2)
    region.train(short, 1, trips)  # would be the newest by now
    (region.model(2) / CHECKPOINT).unlink()
    again = region.train(short, 2, trips)["privacy"]["history"]
    assert (again["days"], again["parent_day"]) == (2, request_day(0).isoformat())
    assert (region.started[-1][0] == load_network(region.model(0)).weights).all()


@pytest.mark.slow
def test_a_network_of_another_area_or_width_is_no_start(
    region: Region, short: Plan, trips: pa.Table
) -> None:
    region.train(short, 0, trips)
    elsewhere = BOX.model_copy(update={"north": 52.6})
    wider = short.settings.model_copy(update={"hidden_units": 9})
    for number, (area, settings) in enumerate(((elsewhere, short.settings), (BOX, wider)), 1):
        other = make_plan(short.guarantee, (area,), settings, ROWS)
        assert region.train(other, number, trips)["privacy"]["history"]["days"] == 1


@pytest.mark.slow
def test_counts_and_networks_of_one_region_have_chains_of_their_own(
    region: Region, short: Plan, trips: pa.Table
) -> None:
    counted = make_plan(short.guarantee, (BOX,), TripField(steps=1), ROWS)
    told = [
        region.train(plan, number, trips)["privacy"]["history"]
        for number, plan in enumerate((short, counted, short, counted))
    ]
    assert [each["days"] for each in told] == [1, 1, 2, 2]
    assert [each["parent"] for each in told[2:]] == [each["link"] for each in told[:2]]


def test_a_start_that_was_altered_or_exchanged_is_refused(
    region: Region, short: Plan, trips: pa.Table
) -> None:
    region.train(short, 0, trips)
    with pytest.raises(StopError):
        region.train(short, 1, trips, stop_at=2)
    kept = (region.model(0) / LINK).read_text()
    (region.model(0) / LINK).write_text(kept.replace('"days": 1', '"days": 7'))
    with pytest.raises(ModelFileError, match="not the model that") as caught:
        region.train(short, 1, trips)
    assert "\n" not in str(caught.value)
    (region.model(0) / LINK).write_text(kept)
    (region.model(0) / NETWORK.arrays).write_bytes(b"")
    with pytest.raises(FileError, match="differs"):
        region.train(short, 1, trips)


@pytest.fixture(scope="module")
def private_plan() -> Plan:
    """The number of trips is private."""
    guarantee = Guarantee(adjacency="add_remove", epsilon=1.0, delta=1e-6)
    return make_plan(guarantee, (BOX,), SETTINGS, None)


def test_rule_5_a_private_number_of_trips_is_not_in_the_plan(
    plan: Plan, private_plan: Plan
) -> None:
    assert private_plan.describe()["records"] is None
    assert private_plan.describe()["count"] == {"sensitivity": 1, "scale": "20", "numbers": 1}
    assert private_plan.steps_allowed == 1 + 48
    assert private_plan.mechanism.noise_multiplier > plan.mechanism.noise_multiplier
    for guarantee, records in ((plan.guarantee, None), (private_plan.guarantee, ROWS)):
        with pytest.raises(ValueError, match="zero_out"):
            make_plan(guarantee, plan.service_area, SETTINGS, records)


def test_rule_4_what_is_charged_changes_with_every_field(plan: Plan, private_plan: Plan) -> None:
    events = [plan.event(), private_plan.event(), replace(private_plan, count=None).event()]
    for change in ({"noise_multiplier": 99.0}, {"steps": 41}, {"sampling_probability": 0.2}):
        mechanism = replace(private_plan.mechanism, **change)
        events.append(replace(private_plan, mechanism=mechanism).event())
    events.append(replace(private_plan, count=NoisyCount(2, Fraction(20))).event())
    assert all(a != b for i, a in enumerate(events) for b in events[:i])


def test_rule_5_divisor_and_rows_come_from_the_count_that_was_measured_once(
    tmp_path: Path, private_plan: Plan, trips: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = []

    class Watched(DpSgd):
        def __init__(self, model: Any, records: Any, run: Any, *rest: Any, **named: Any) -> None:
            batches.append(run.expected_batch)
            super().__init__(model, records, run, *rest, **named)

    monkeypatch.setattr(network_training, "DpSgd", Watched)
    with pytest.raises(StopError):
        train_in(tmp_path, private_plan, lambda: trips, stop_at=10)
    measured = json.loads((tmp_path / "model" / MEASURED).read_bytes())["count"]
    assert 0 < abs(measured - ROWS) + 1 < 400
    assert charge_in(tmp_path) == ("running", 11)
    manifest = train_in(tmp_path, private_plan, lambda: trips)
    assert batches == [pytest.approx(measured * 0.1)] * 2
    assert manifest["rows"] == load_model(tmp_path / "model").rows == measured
    assert manifest["privacy"]["steps_executed"] == 40
    assert manifest["privacy"]["count"] == {"sensitivity": 1, "scale": "20", "numbers": 1}
    assert charge_in(tmp_path) == ("trained", 41)


RUN = """
import pathlib, sys
import pyarrow.parquet as pq
from tests.tasks.synthesis import charged, test_network_training as t
from tasks.region import Guarantee
from tasks.synthesis.plan import make_plan
from tasks.synthesis.training import train
from tasks.privacy.ledger import Ledger
here = pathlib.Path(sys.argv[1])
plan = make_plan(Guarantee(epsilon=1.0, delta=1e-6), (charged.BOX,), t.SETTINGS, charged.ROWS)
with Ledger(here / "ledger.sqlite") as ledger:
    train(plan, charged.request_for(plan), ledger, lambda: pq.read_table(here / "trips.parquet"),
          here / "model", "run", {}, lambda done, planned: print(done, flush=True))
print("finished", flush=True)
"""


@pytest.mark.slow
def test_rule_6_kill_9_in_mid_training_then_the_same_command_finishes(
    tmp_path: Path, trips: pa.Table
) -> None:
    pq.write_table(trips, tmp_path / "trips.parquet")
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    killed = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    for line in killed.stdout:
        if int(line) >= 12:
            break
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    state, started = charge_in(tmp_path)
    assert state == "running"
    assert started >= 12
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    steps = again.stdout.split()
    assert steps[-1] == "finished"
    assert int(steps[0]) > 12
    state, total = charge_in(tmp_path)
    assert state == "trained"
    assert 40 <= total <= SETTINGS.steps + SETTINGS.reserve_steps
    assert load_model(tmp_path / "model").privacy["steps_executed"] == total
