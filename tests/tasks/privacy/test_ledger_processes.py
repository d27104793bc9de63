"""The ledger against real processes: races, and kill -9 at any moment."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tasks.privacy.ledger import Charge, Ledger
from tests.conftest import crash, postgresql_running
from tests.tasks.privacy.conftest import Place, any_program

ROOT = Path(__file__).parents[3]


def command(name: str, place: Place) -> list[str]:
    return [sys.executable, "-m", "tests.tasks.privacy.ledger_processes", name, str(place)]


def lines_of(name: str, place: Place) -> list[str]:
    run = subprocess.run(
        command(name, place), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_rule_10_of_eight_racing_processes_exactly_one_wins(place: Place) -> None:
    Ledger(place).close()  # so that they race for the day, not for making the tables
    answers = lines_of("race", place)
    assert len(answers) == 8
    assert all(answer.startswith("0 racer-") for answer in answers)
    (winner,) = (answer for answer in answers if answer.endswith(" won"))
    losers = [answer for answer in answers if answer != winner]
    assert all("would exceed the cap of epsilon 1" in answer for answer in losers)
    assert all("already charged: charge 1" in answer for answer in losers)
    with Ledger(place) as ledger:
        (charge,) = ledger.charges()
    assert winner == f"0 {charge.run_id} won"


def check_kills(lines: list[str]) -> None:
    """Each line: how the run would have ended, moment, state it left, what it had said."""
    left = Counter((line.split()[0], line.split()[2]) for line in lines)
    assert set(left) == {
        (end, state)
        for end in ("trained", "burned")
        for state in ("absent", "reserved", "running", end)
    }
    assert sum("trained" in line.split()[3:] for line in lines) == 0  # it said so after the last


def test_rule_10_kill_9_around_every_transaction_never_understates(place: Place) -> None:
    lines = lines_of("kill", place)
    check_kills(lines)
    assert len(lines) == 2 * 4 * 3  # four transactions: before, at the commit, after


@pytest.mark.slow
def test_rule_10_kill_9_around_every_statement_never_understates(place: Place) -> None:
    lines = lines_of("kill-everywhere", place)
    check_kills(lines)
    assert len(lines) > 80


def killed_while_spending(place: Place, seconds: float) -> list[str]:
    """What a process that spends day after day had said when it was killed from outside."""
    run = subprocess.Popen(command("spend", place), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    first = run.stdout.readline()
    time.sleep(seconds)
    run.send_signal(signal.SIGKILL)
    return [first, *run.communicate(timeout=60)[0].splitlines()]


def check_spent(said: list[str], charges: list[Charge]) -> None:
    reserved = [line for line in said if line.startswith("reserved")]
    started = [line for line in said if line.startswith("started")]
    assert len(charges) >= len(reserved) >= 1
    assert sum(charge.steps_started == 25 for charge in charges) >= len(started)
    assert all(charge.sources == ("fleet", "other") for charge in charges)  # whole or absent


@pytest.mark.parametrize(
    "attempts", [1, pytest.param(30, marks=pytest.mark.slow)], ids=["once", "often"]
)
def test_rule_10_kill_9_never_loses_what_was_acknowledged(place: Place, attempts: int) -> None:
    said: list[str] = []
    for attempt in range(attempts):
        said = killed_while_spending(place, 0.05 + 0.03 * attempt)
        with Ledger(place) as ledger:
            check_spent(said, ledger.charges())
        if isinstance(place, Path):
            with any_program(place) as program:
                assert program.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
def test_rule_10_a_server_that_crashes_loses_nothing_acknowledged() -> None:
    with postgresql_running() as server:
        url = server.get_uri()
        for _ in range(3):
            run = subprocess.Popen(
                command("spend", url), cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
            assert run.stdout is not None
            first = run.stdout.readline()
            time.sleep(0.5)
            crash(server)
            said = [first, *run.communicate(timeout=60)[0].splitlines()]
            server.ensure_postgres_running()
            with Ledger(url) as ledger:
                check_spent(said, ledger.charges())
