"""Processes that charge one ledger, run by the tests in an interpreter of their own.

`race` lets eight of them run for one day's budget. `kill` lets one after the other work through a
charge and kills each at a later moment. `spend` charges day after day until it is killed from
outside. Processes are forked from this one, which has no threads and no open connection.
"""

import datetime as dt
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

from sqlalchemy import event

from tasks.privacy.errors import CapExceededError
from tasks.privacy.ledger import ChargeRequest, Ledger

STEPS = 330
RACERS = 8
Place = Path | str
Say = Callable[[str], None]


def request(day: int, fingerprint: str) -> ChargeRequest:
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=day)
    end = start + dt.timedelta(days=1)
    sources = ("fleet", "other")
    return ChargeRequest(
        sources, start, end, "demo", start.date(), {}, 1.0, 1e-6, 1.0, 1e-6, fingerprint, STEPS
    )


def forked(work: Callable[[Say], None]) -> tuple[int, int]:
    """Start a process; returns its id and where to read what it says."""
    reader, writer = os.pipe()
    process = os.fork()
    if process:
        os.close(writer)
        return process, reader
    os.close(reader)

    def say(text: str) -> None:
        os.write(writer, f"{text}\n".encode())

    try:
        work(say)
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - the parent is told, and this process ends
        say(f"failed: {error!r}")
        os._exit(1)


def heard(process: int, reader: int) -> tuple[int, list[str]]:
    """Wait for a process; returns how it ended and what it said."""
    with os.fdopen(reader) as said:
        lines = said.read().splitlines()
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), lines


def race(place: Place) -> None:
    """Every racer waits for the same gate to open."""
    gate, opener = os.pipe()

    def run(name: str, say: Say) -> None:
        os.close(opener)
        select.select([gate], [], [])
        with Ledger(place) as ledger:
            try:
                ledger.reserve(request(0, name), name)
                say(f"{name} won")
            except CapExceededError as error:
                say(f"{name} refused: {error}")

    racers = [forked(partial(run, f"racer-{number}")) for number in range(RACERS)]
    os.close(opener)
    for racer in racers:
        code, lines = heard(*racer)
        print(code, *lines)


def killed_at(place: Place, day: int, moment: int, thorough: bool, end: str) -> list[str] | None:
    """Work through a day's charge and die at a moment; returns what was said, or None if alive."""

    def work(say: Say) -> None:
        moments = count(1)

        def pass_moment(*_: object) -> None:
            if next(moments) == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        with Ledger(place) as ledger:
            for name in ("before_cursor_execute", "after_cursor_execute")[: 2 * thorough]:
                event.listen(ledger._database.engine, name, pass_moment)
            event.listen(ledger._database.engine, "begin", pass_moment)
            event.listen(ledger._database.engine, "commit", pass_moment)
            lease = ledger.reserve(request(day, f"day {day}"), "worker")
            pass_moment()
            say("reserved")  # private rows may be read from here
            for upto in (100, 300):
                ledger.start_steps(lease, upto)
                pass_moment()
                say(f"started {upto}")  # these steps may run from here
            (ledger.finish if end == "trained" else ledger.burn)(lease)
            pass_moment()
            say(end)

    code, lines = heard(*forked(work))
    assert code in (0, -signal.SIGKILL), lines
    return None if code == 0 else lines


def check_day(place: Place, day: int, said: list[str], end: str) -> str:
    """The account covers whatever was said; then the day is finished by the next run."""
    with Ledger(place) as ledger:
        mine = request(day, f"day {day}")
        source, start, stop = mine.accounts[0]
        charges = ledger.charges(source, start, stop)
        assert len(charges) <= 1, charges
        state = charges[0].state if charges else "absent"
        if said:
            (charge,) = charges
            assert charge.sources == ("fleet", "other")
            assert (charge.epsilon, charge.delta) == (1.0, 1e-6)
            ran = [int(line.split()[1]) for line in said if line.startswith("started")]
            assert charge.steps_started >= max(ran, default=0), (charge, said)
            assert said[-1] != end or state == end, (charge, said)
        if state == "burned":
            assert not ledger.can_spend(request(day, "another mechanism"))
            return state
        lease = ledger.reserve(mine, "next run")
        assert lease.token == len(charges) + 1
        assert not ledger.can_spend(request(day, "another mechanism"))
        if state != "trained":
            ledger.start_steps(lease, STEPS)
            ledger.finish(lease)
        return state


def kill(place: Place, thorough: bool) -> None:
    """One line for each moment: how the killed run had left the ledger."""
    for end, first_day in (("trained", 0), ("burned", 1000)):
        for moment in count(1):
            day = first_day + moment
            said = killed_at(place, day, moment, thorough, end)
            if said is None:
                break
            print(end, moment, check_day(place, day, said, end), *said)


def spend(place: Place) -> None:
    with Ledger(place) as ledger:
        for day in count():
            lease = ledger.reserve(request(day, f"day {day}"), "spender")
            print("reserved", day, flush=True)
            ledger.start_steps(lease, 25)
            print("started", day, flush=True)


def places(arguments: list[str]) -> Iterator[Place]:
    for text in arguments:
        yield text if "://" in text else Path(text)


if __name__ == "__main__":
    command, *where = sys.argv[1:]
    for place in places(where):
        if command == "race":
            race(place)
        elif command == "spend":
            spend(place)
        else:
            kill(place, thorough=command == "kill-everywhere")
