"""The ledger against real processes: races, and kill -9 at any moment."""

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tasks.privacy.ledger import Ledger

PROLOGUE = """
import datetime as dt, pathlib, sys, time
from tasks.privacy.errors import CapExceededError, LeaseLostError
from tasks.privacy.ledger import ChargeRequest, Ledger
path, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def request(fingerprint, day=0):
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=day)
    return ChargeRequest(("fleet",), start, start + dt.timedelta(days=1), "demo", start.date(),
                         {}, 1.0, 1e-6, 1.0, 1e-6, fingerprint, 330)
"""
RACE = """
gate = path.with_name("go")
print("ready", flush=True)
while not gate.exists():
    time.sleep(0.001)
with Ledger(path) as ledger:
    try:
        ledger.reserve(request(name), name)
        print("won")
    except CapExceededError as error:
        print("refused:", error)
"""
SPEND = """
with Ledger(path) as ledger:
    for day in range(100_000):
        lease = ledger.reserve(request(f"{name}-{day}", day), name)
        print("reserved", day, flush=True)
        ledger.start_steps(lease, 25)
        print("started", day, flush=True)
"""


def start(code: str, path: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROLOGUE + code, str(path), name],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_rule_10_of_eight_racing_processes_exactly_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    racers = [start(RACE, path, f"racer-{number}") for number in range(8)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    (tmp_path / "go").touch()
    answers = [racer.communicate(timeout=60)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 8
    assert sum(answer == "won\n" for answer in answers) == 1
    assert sum("already charged: charge 1" in answer for answer in answers) == 7
    with Ledger(path) as ledger:
        (charge,) = ledger.charges()
    assert answers[int(charge.run_id.removeprefix("racer-"))] == "won\n"


def test_rule_10_kill_9_never_loses_what_was_acknowledged(tmp_path: Path) -> None:
    for attempt in range(5):
        path = tmp_path / f"ledger-{attempt}.sqlite"
        run = start(SPEND, path, "spender")
        assert run.stdout is not None
        first = run.stdout.readline()
        time.sleep(0.03 * attempt)
        run.send_signal(signal.SIGKILL)
        said = [first, *run.communicate(timeout=60)[0].splitlines()]
        with Ledger(path) as ledger:
            charges = ledger.charges()
        assert len(charges) >= sum(line.startswith("reserved") for line in said) >= 1
        assert sum(charge.steps_started == 25 for charge in charges) >= sum(
            line.startswith("started") for line in said
        )
        with sqlite3.connect(path) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            # a reservation is whole or absent
            assert raw.execute(
                "SELECT count(*) FROM charges WHERE id NOT IN (SELECT charge FROM charged)"
            ).fetchone() == (0,)
        raw.close()
