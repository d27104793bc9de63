import os
import platform
import signal
import subprocess
import sys
import threading
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tasks.files.lock import LOCK
from tasks.journal import Journal, JournalHeldError, read_day
from tasks.journal.patience import Patience
from tests.tasks.conftest import DAY
from tests.tasks.journal.conftest import poll

UTC = ZoneInfo("UTC")

COLLECTOR = """
import sys
from pathlib import Path
from zoneinfo import ZoneInfo
from tasks.files.lock import LOCK
from tasks.journal import Journal, JournalHeldError
from tests.tasks.journal.conftest import poll
try:
    with Journal(Path(sys.argv[1]), "r", "feed", ZoneInfo("UTC")) as journal:
        journal.append(poll(0))
        print("works", flush=True)
        sys.stdin.read()
except JournalHeldError as error:
    print(error)
"""


def collector(directory: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", COLLECTOR, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_of_two_collectors_one_works_and_the_other_says_who_holds_it(tmp_path: Path) -> None:
    both = [collector(tmp_path), collector(tmp_path)]
    said = {}
    try:
        for process in both:
            assert process.stdout is not None
            said[process.pid] = process.stdout.readline().strip()
        working = next(process for process in both if said[process.pid] == "works")
        refused = next(process for process in both if process is not working)
        assert f"process {working.pid} on host {platform.node()}, since 20" in said[refused.pid]
        assert "is collecting into this journal" in said[refused.pid]
        assert refused.wait(10) == 0
        with pytest.raises(JournalHeldError, match=f"process {working.pid} on host"):
            Journal(tmp_path, "r", "feed", UTC)
        # a holder that is killed holds nothing
        working.send_signal(signal.SIGKILL)
        working.wait(10)
        assert f"process {working.pid}" in (tmp_path / LOCK).read_text()
        with Journal(tmp_path, "r", "feed", UTC) as journal:
            journal.append(poll(1))
            assert f"process {os.getpid()} on host" in (tmp_path / LOCK).read_text()
    finally:
        for process in both:
            process.kill()
            process.communicate()
    assert len(read_day(tmp_path, DAY).polls) == 2


def test_the_next_shift_waits_for_the_one_before(tmp_path: Path) -> None:
    lines: list[str] = []
    before = Journal(tmp_path, "r", "feed", UTC)
    patience = Patience(holder_seconds=30, warn=lines.append, sleep=lambda _: before.close())
    with Journal(tmp_path, "r", "feed", UTC, patience):
        pass
    assert lines[0].startswith("waiting: ")
    assert f"process {os.getpid()}" in lines[0]
    assert "goes on" in lines[1]


def test_waiting_ends(tmp_path: Path) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    patience = Patience(holder_seconds=12, monotonic=lambda: now[0], sleep=sleep)
    with Journal(tmp_path, "r", "feed", UTC), pytest.raises(JournalHeldError):
        Journal(tmp_path, "r", "feed", UTC, patience)
    assert 12 <= now[0] <= 20


def test_of_many_at_once_one_gets_it(tmp_path: Path) -> None:
    held: list[Journal] = []
    told: list[str] = []
    start = threading.Barrier(8)

    def take() -> None:
        start.wait()
        try:
            held.append(Journal(tmp_path, "r", "feed", UTC))
        except JournalHeldError as error:
            told.append(str(error))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(told)) == (1, 7)
    held[0].close()
