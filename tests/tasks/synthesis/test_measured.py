import datetime as dt
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks.privacy import counts
from tasks.privacy.counts import NoisyCount
from tasks.privacy.errors import LeaseLostError, LedgerError, StepsSpentError
from tasks.privacy.ledger import ChargeRequest, Ledger
from tasks.synthesis import measured
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.measured import MEASURED, measured_count

ROOT = Path(__file__).parents[3]
START = dt.datetime(2026, 5, 20, tzinfo=dt.UTC)
REQUEST = ChargeRequest(
    sources=("fleet",),
    start=START,
    end=START + dt.timedelta(days=1),
    region="demo",
    service_day=START.date(),
    mechanism={"name": "count"},
    epsilon=1.0,
    delta=1e-6,
    cap_epsilon=1.0,
    cap_delta=1e-6,
    fingerprint="first",
    steps_allowed=331,
)
COUNT = NoisyCount.within(0.05, sensitivity=1)


class StopError(Exception):
    """Ends a run from inside, as a crash would."""


def measure(directory: Path, count: Callable[[], int]) -> int:
    with Ledger(directory / "ledger.sqlite") as ledger:
        lease = ledger.reserve(REQUEST, "run")
        value, lease = measured_count(COUNT, ledger, lease, directory, "first", count)
        assert lease.steps_started == charge_in(directory)[1]
    assert isinstance(value, int)
    return value


def charge_in(directory: Path) -> tuple[str, int]:
    with Ledger(directory / "ledger.sqlite") as ledger:
        (charge,) = ledger.charges()
    return charge.state, charge.steps_started


def never() -> int:
    raise AssertionError("counted again")


def test_rule_6_a_charge_has_one_noisy_count(tmp_path: Path) -> None:
    first = measure(tmp_path, lambda: 1000)
    assert abs(first - 1000) < 1000
    assert charge_in(tmp_path) == ("running", 1)
    assert measure(tmp_path, never) == first


def test_rule_6_the_measurement_is_counted_before_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Watched:
        def laplace(self, scale: object, size: int) -> "np.ndarray[int, np.dtype[np.int64]]":
            seen.append(charge_in(tmp_path))
            return np.zeros(size, np.int64)

    monkeypatch.setattr(counts, "DiscreteNoise", Watched)
    measure(tmp_path, lambda: 7)
    assert seen == [("running", 1)]


def test_rule_10_a_count_that_was_begun_and_is_lost_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(path: Path, content: bytes) -> None:
        raise StopError

    with monkeypatch.context() as patched:
        patched.setattr(measured, "write_atomically", crash)
        with pytest.raises(StopError):
            measure(tmp_path, lambda: 1000)
    with pytest.raises(StepsSpentError, match="not measured twice") as caught:
        measure(tmp_path, never)
    assert "\n" not in str(caught.value)
    assert charge_in(tmp_path) == ("burned", 1)
    with pytest.raises(LedgerError, match="was burned"):
        measure(tmp_path, never)


def test_a_crash_before_the_measurement_costs_nothing(tmp_path: Path) -> None:
    def crash() -> int:
        raise StopError

    with pytest.raises(StopError):
        measure(tmp_path, crash)
    assert charge_in(tmp_path) == ("reserved", 0)
    measure(tmp_path, lambda: 1000)


def test_a_run_that_lost_its_lease_measures_nothing(tmp_path: Path) -> None:
    def taken_over() -> int:
        with Ledger(tmp_path / "ledger.sqlite") as other:
            other.reserve(REQUEST, "other")
        return 1000

    with pytest.raises(LeaseLostError):
        measure(tmp_path, taken_over)
    assert not (tmp_path / MEASURED).exists()


def test_the_count_of_another_charge_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / MEASURED).write_text(json.dumps({"fingerprint": "other", "count": -5}))
    assert measure(tmp_path, lambda: 100_000) > 90_000


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"fingerprint": "first", "count": null}'])
def test_a_damaged_count_gets_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / MEASURED).write_text(content)
    with pytest.raises(ModelFileError, match="restore it") as caught:
        measure(tmp_path, never)
    assert "\n" not in str(caught.value)


KILLED = """
import os, pathlib, signal, sys
from tasks.privacy.ledger import Ledger
from tasks.synthesis import measured
from tests.tasks.synthesis.test_measured import measure
here, moment = pathlib.Path(sys.argv[1]), sys.argv[2]
start, write = Ledger.start_steps, measured.write_atomically

def die(*ignored):
    os.kill(os.getpid(), signal.SIGKILL)

def start_and_die(*arguments):
    start(*arguments)
    die()

def write_and_die(*arguments):
    write(*arguments)
    die()

if moment == "started":
    Ledger.start_steps = start_and_die
elif moment == "measured":
    measured.write_atomically = die
elif moment == "stored":
    measured.write_atomically = write_and_die
measure(here, die if moment == "counting" else lambda: 1000)
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["counting", "started", "measured", "stored"])
def test_rule_6_kill_9_at_any_moment_never_leads_to_a_second_measurement(
    tmp_path: Path, moment: str
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), moment], cwd=ROOT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    if moment == "counting":
        assert charge_in(tmp_path) == ("reserved", 0)
        measure(tmp_path, lambda: 1000)
    elif moment == "stored":
        assert abs(measure(tmp_path, never) - 1000) < 1000
    else:
        with pytest.raises(StepsSpentError, match="not measured twice"):
            measure(tmp_path, never)


def test_both_numbers_of_unlinked_ends_are_counted_in_one_step(tmp_path: Path) -> None:
    def again() -> tuple[int, int]:
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            lease = ledger.reserve(REQUEST, "run")
            counts, lease = measured_count(
                COUNT, ledger, lease, tmp_path, "first", lambda: (100_000, 500_000)
            )
        assert isinstance(counts, tuple)
        assert lease.steps_started == 1
        return counts

    starts, ends = again()
    assert abs(starts - 100_000) < 1000
    assert abs(ends - 500_000) < 1000
    assert starts - 100_000 != ends - 500_000  # two draws of noise
    assert again() == (starts, ends)
