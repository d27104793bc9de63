import pytest

from tasks.files import Layout
from tasks.journal import Journal, clock, read_day, seal_day
from tasks.journal.clock import MIN_STEP_MS, ClockSteps
from tests.tasks.conftest import DAY
from tests.tasks.journal.conftest import poll
from tests.tasks.journal.test_sealing import REGION


class Clocks:
    """A clock that can be set beside one that cannot."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.wall, self.unstepped = 1_700_000_000_000, 5_000
        patch.setattr(clock, "wall_ms", lambda: self.wall)
        patch.setattr(clock, "unstepped_ms", lambda: self.unstepped)

    def go_on(self, milliseconds: int, step: int = 0) -> None:
        self.unstepped += milliseconds
        self.wall += milliseconds + step


@pytest.mark.parametrize("step", [3_600_000, -3_600_000, MIN_STEP_MS, -MIN_STEP_MS])
def test_a_step_is_told_once(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    clocks = Clocks(monkeypatch)
    steps = ClockSteps()
    clocks.go_on(60_000)
    assert steps.since_last() is None
    clocks.go_on(60_000, step)
    assert steps.since_last() == step
    clocks.go_on(60_000)
    assert steps.since_last() is None


def test_drift_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    steps = ClockSteps()
    for _ in range(1440):
        clocks.go_on(60_000, 30)  # as fast as a time server may turn a clock
        assert steps.since_last() is None


def test_the_clocks_of_this_machine_agree() -> None:
    steps = ClockSteps()
    assert steps.since_last() is None


def test_the_poll_and_the_manifest_tell_of_a_step(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks(monkeypatch)
    directory = layout.journal("test", "feed")
    with Journal(directory, "test", "feed", REGION.zone) as journal:
        for minute in range(5):
            clocks.go_on(60_000, -90_000 if minute == 3 else 0)
            journal.append(poll(minute))
    noted = [each.clock_step_ms for each in read_day(directory, DAY).polls]
    assert noted == [None, None, None, -90_000, None]
    assert seal_day(REGION, DAY, layout)["feeds"]["feed"]["clock_steps"] == [
        {"fetched_at": "2026-05-20T00:03:00+00:00", "seconds": -90.0}
    ]
