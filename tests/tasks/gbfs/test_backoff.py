import multiprocessing
from pathlib import Path

import pytest

from tasks.gbfs.backoff import (
    BACKOFF_CEILING_SECONDS,
    FORGOTTEN_SECONDS,
    MAX_RETRY_AFTER_SECONDS,
    Backoff,
)
from tasks.gbfs.errors import SparedError


class Bench:
    """A back-off whose clock stands until a test moves it, and that always draws the most."""

    def __init__(self, directory: Path) -> None:
        self.time = 1e9
        self.directory = directory
        self.begin_again()

    def begin_again(self) -> None:
        """As another process would: all that is known is on disk."""
        self.backoff = Backoff(self.directory, lambda: self.time, lambda low, high: high)

    def wait(self, name: str = "a") -> float:
        """Seconds for which a name is spared."""
        try:
            self.backoff.check(name)
        except SparedError as error:
            return error.until.timestamp() - self.time
        return 0.0


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "spared")


def test_it_is_spared_longer_each_time_up_to_a_ceiling(bench: Bench) -> None:
    waits = []
    for _ in range(9):
        bench.backoff.failed("a", 60)
        waits.append(bench.wait())
        bench.time += max(waits[-1], 60)
        assert bench.wait() == 0
    assert waits == [0, 60, 180, 420, *[BACKOFF_CEILING_SECONDS] * 5]
    assert bench.wait("b") == 0
    bench.backoff.succeeded("a")
    bench.backoff.failed("a", 60)
    assert bench.wait() == 0


def test_the_next_process_goes_on_where_the_last_one_stopped(bench: Bench) -> None:
    waits = []
    for _ in range(5):
        bench.begin_again()
        bench.backoff.failed("a", 60)
        bench.begin_again()
        waits.append(bench.wait())
        bench.time += max(waits[-1], 60)
    assert waits == [0, 60, 180, 420, BACKOFF_CEILING_SECONDS]


def test_failures_that_come_together_are_one(bench: Bench) -> None:
    waits = []
    for _ in range(3):
        for _ in range(50):
            bench.backoff.failed("a", 60)
            bench.time += 0.2
        waits.append(bench.wait())
        bench.time += 55
    # as after three failures in a row, not after 150
    assert waits == pytest.approx([0, 50, 170])


def test_a_host_says_itself_for_how_long(bench: Bench) -> None:
    bench.backoff.failed("a", 60, retry_after=300)
    assert bench.wait() == 330  # a tenth more at random
    bench.backoff.failed("a", 60, retry_after=600)  # in company, and still obeyed
    assert bench.wait() == 660
    bench.backoff.failed("a", 60, retry_after=1)
    assert bench.wait() == 660
    bench.backoff.failed("b", 60, retry_after=1e9)
    assert bench.wait("b") == MAX_RETRY_AFTER_SECONDS + 60


def test_what_a_host_asked_outlasts_a_good_answer_that_was_under_way(bench: Bench) -> None:
    for _ in range(3):
        bench.backoff.failed("a", 60)
        bench.time += 60
    bench.backoff.failed("a", 60, retry_after=100)
    assert bench.wait() == 420
    bench.backoff.succeeded("a")
    assert bench.wait() == 110  # only what it asked
    bench.time += 110
    assert bench.wait() == 0
    bench.backoff.failed("a", 60)  # the first again
    assert bench.wait() == 0


def test_what_is_long_ago_is_forgotten(bench: Bench) -> None:
    for _ in range(6):
        bench.backoff.failed("a", 60)
        bench.time += 1000
    bench.time += FORGOTTEN_SECONDS
    bench.backoff.failed("a", 60)
    assert bench.wait() == 0


@pytest.mark.parametrize("text", ["", "nan", "[1]", '{"until": "soon"}', '{"until": Infinity}'])
def test_nonsense_in_a_note_spares_nobody(bench: Bench, text: str) -> None:
    bench.backoff.failed("a", 60, 100)
    (file,) = bench.directory.iterdir()
    file.write_text(text)
    assert bench.wait() == 0
    bench.backoff.failed("a", 60, 100)
    assert bench.wait() == 110


def test_a_clock_that_ran_ahead_spares_nobody_for_ever(bench: Bench) -> None:
    bench.time += 1e6
    bench.backoff.failed("a", 60, 100)
    bench.time -= 1e6
    assert bench.wait() == 0
    bench.backoff.failed("a", 60)
    bench.time += 60
    bench.backoff.failed("a", 60)
    assert bench.wait() == 60


def test_where_nothing_can_be_noted_nobody_is_spared(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bench = Bench(tmp_path / "file" / "below")
    bench.backoff.failed("a", 60, 100)
    bench.backoff.succeeded("a")
    assert bench.wait() == 0


def fail_often(directory: Path, seconds: float) -> None:
    Backoff(directory, lambda: 1e9 + seconds, lambda low, high: high).failed("a", 60)


def test_processes_share_what_they_know(tmp_path: Path) -> None:
    at = [100.0 * number for number in range(6)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for moment in at:
            pool.starmap(fail_often, [(tmp_path, moment), (tmp_path, moment + 0.1)])
    bench = Bench(tmp_path)
    bench.time += at[-1]
    assert bench.wait() == pytest.approx(BACKOFF_CEILING_SECONDS, abs=1)
