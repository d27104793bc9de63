"""What is measured of a day once for each charge, and stored before it decides anything.

A second measurement would tell more than was charged for. So its start is counted in the ledger,
durably, before it is made; the result is on disk before it is used; a run that goes on after a
crash reads it. A start that left no result is not repeated: the day is lost.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tasks.files import write_atomically
from tasks.privacy.counts import NoisyCount
from tasks.privacy.errors import LedgerError, StepsSpentError
from tasks.privacy.ledger import Lease, Ledger
from tasks.synthesis import trip_ends
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.plan import Rows, as_rows
from tasks.synthesis.records import BoundedDay
from tasks.synthesis.trip_ends import EndsMeasurements, EndsPlan
from tasks.synthesis.trip_field import (
    Measurements,
    Plan,
    load_measurements,
    measure,
    save_measurements,
)

MEASURED = "measured.json"
MEASURED_FOR = "measured_for.txt"
T = TypeVar("T")
D = TypeVar("D")


@dataclass(frozen=True)
class _Step:
    """A measurement that is one step of a charge.

    Attributes:
        what: Its name, for people.
        number: Which step of the charge it is, from 1.
        kept_at: Where its result is kept.
    """

    what: str
    number: int
    kept_at: Path


def measured_count(
    mechanism: NoisyCount,
    ledger: Ledger,
    lease: Lease,
    directory: Path,
    fingerprint: str,
    count: Callable[[], Rows],
) -> tuple[Rows, Lease]:
    """The noisy count, or counts, of a charge, measured now or before.

    Args:
        mechanism: What is run.
        ledger: The open ledger.
        lease: The holder's lease; the measurement is the first step counted under the charge.
        directory: The model's directory, where the result is kept.
        fingerprint: The charge's.
        count: Gives the true number or numbers, private; called only if there is no result yet.

    Returns:
        The noisy count, public, and the lease with the steps started by now.

    Raises:
        StepsSpentError: If the count was begun before and its result is lost.
        LeaseLostError: If another run has taken the charge over.
        LedgerError: If the ledger is older than the result.
        ModelFileError: If the result cannot be read.
    """
    path = directory / MEASURED

    def measure_and_store(true: Rows) -> Rows:
        measured = _noisy(mechanism, true)
        document = {"fingerprint": fingerprint, "count": measured}
        write_atomically(path, (json.dumps(document) + "\n").encode())
        return measured

    step = _Step("noisy count", 1, path)
    return _once(step, ledger, lease, _stored_count(path, fingerprint), count, measure_and_store)


def _noisy(mechanism: NoisyCount, true: Rows) -> Rows:
    if isinstance(true, int):
        return mechanism.begin().measure(true)
    starts, ends = (mechanism.begin().measure(number) for number in true)
    return starts, ends


def measured_tables(
    plan: Plan | EndsPlan,
    ledger: Ledger,
    lease: Lease,
    step: int,
    directory: Path,
    fingerprint: str,
    read: Callable[[], BoundedDay],
) -> tuple[Measurements | EndsMeasurements, Lease]:
    """The noisy tables of a charge, measured now or before.

    Args:
        plan: What is measured.
        ledger: The open ledger.
        lease: The holder's lease.
        step: Which step of the charge the measurement is, from 1.
        directory: The model's directory, where the result is kept.
        fingerprint: The charge's.
        read: Gives the day, private; called only if there is no result yet.

    Returns:
        The measurements, and the lease with the steps started by now.

    Raises:
        StepsSpentError: If the measurement was begun before and its result is lost.
        LeaseLostError: If another run has taken the charge over.
        LedgerError: If the ledger is older than the result.
        ModelFileError: If the result cannot be read.
    """
    mark = directory / MEASURED_FOR

    def measure_and_store(day: BoundedDay) -> Measurements | EndsMeasurements:
        measurements: Measurements | EndsMeasurements
        if isinstance(plan, EndsPlan):
            measurements = trip_ends.measure(day.trips, plan)
        else:
            measurements = measure(day.trips, plan)
        mark.unlink(missing_ok=True)
        if isinstance(measurements, EndsMeasurements):
            trip_ends.save_measurements(directory, measurements)
        else:
            save_measurements(directory, measurements)
        write_atomically(mark, fingerprint.encode())
        return measurements

    is_ours = mark.exists() and mark.read_text() == fingerprint
    load = trip_ends.load_measurements if isinstance(plan, EndsPlan) else load_measurements
    stored = load(directory) if is_ours else None
    return _once(_Step("measurement", step, mark), ledger, lease, stored, read, measure_and_store)


def _once(
    step: _Step,
    ledger: Ledger,
    lease: Lease,
    stored: T | None,
    read: Callable[[], D],
    measure_and_store: Callable[[D], T],
) -> tuple[T, Lease]:
    """What was stored; or read what is private, count the step, measure, and store."""
    if stored is not None:
        if lease.steps_started < step.number:
            raise LedgerError(
                f"charge {lease.charge}: its {step.what} is in {step.kept_at}, but the ledger "
                "knows of none: it is older than that; restore its newest backup"
            )
        return stored, lease
    if lease.steps_started >= step.number:
        if lease.state != "trained":
            ledger.burn(lease)
        raise StepsSpentError(
            f"charge {lease.charge}: its {step.what} was begun before, but no result is in "
            f"{step.kept_at}; it is not measured twice, and the day cannot be trained again"
        )
    private = read()
    ledger.start_steps(lease, step.number)
    return measure_and_store(private), replace(lease, steps_started=step.number)


def _stored_count(path: Path, fingerprint: str) -> Rows | None:
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_bytes())
        return as_rows(document["count"]) if document["fingerprint"] == fingerprint else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path}: cannot be read ({error}); restore it") from error
