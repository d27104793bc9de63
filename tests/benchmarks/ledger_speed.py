"""What the ledger costs: a reservation and a count of steps, on SQLite and on PostgreSQL.

    python -m tests.benchmarks.ledger_speed

Each is compared with the least that is durable at all, one row inserted and committed on the same
database in the same run. A night makes one reservation and some forty counts.
"""

import datetime as dt
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tasks.privacy.ledger import ChargeRequest, Lease, Ledger
from tests.conftest import postgresql_running
from tests.tasks.privacy.conftest import Place, any_program, requested

ROUNDS = 200


def day(number: int) -> ChargeRequest:
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=number)
    end = start + dt.timedelta(days=1)
    return requested(start=start, end=end, fingerprint=str(number))


def milliseconds(work: Callable[[int], None]) -> float:
    """The median time of a call, over calls numbered from zero."""
    times = []
    for number in range(ROUNDS):
        before = time.perf_counter()
        work(number)
        times.append(1000 * (time.perf_counter() - before))
    return median(times)


def measure(name: str, place: Place) -> None:
    with Ledger(place) as ledger, any_program(place) as program:
        leases: list[Lease] = []
        if isinstance(place, Path):
            program.execute("PRAGMA synchronous = FULL")
        program.execute("CREATE TABLE bare (number integer)")
        bare = milliseconds(lambda number: program.execute(f"INSERT INTO bare VALUES ({number})"))
        reserve = milliseconds(lambda number: leases.append(ledger.reserve(day(number), "run")))
        count = milliseconds(lambda number: ledger.start_steps(leases[number], 10))
    print(f"{name}: one row {bare:.1f} ms", end="; ")
    print(f"reserve {reserve:.1f} ms ({reserve / bare:.1f} times)", end="; ")
    print(f"start_steps {count:.1f} ms ({count / bare:.1f} times)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite", Path(folder) / "ledger.sqlite")
    with postgresql_running() as server:
        measure("PostgreSQL", server.get_uri())
