"""Counted synthesizers under the ledger: measured once, stored, then fitted as often as need be."""

from tasks.synthesis.attempt import Attempt, Made
from tasks.synthesis.chain import LINK, Link, take_up
from tasks.synthesis.measured import measured_tables
from tasks.synthesis.plan import Mechanism, Rows
from tasks.synthesis.trip_ends import EndsMeasurements, EndsMechanism, EndsPlan, evidence_of
from tasks.synthesis.trip_ends import save_field as save_ends
from tasks.synthesis.trip_ends.fit import fit as fit_ends
from tasks.synthesis.trip_field import (
    MEASUREMENTS,
    FieldMechanism,
    Measurements,
    Plan,
    advanced,
    save_field,
    save_state,
)
from tasks.synthesis.trip_field.fit import fit


def measure_and_fit(attempt: Attempt) -> Made:
    """Measure the day, or take what was measured of it before, and fit a field to it.

    Once the measurement is stored the charge is finished: whatever fails after it costs nothing.
    What was measured of the days before is the prior of this one.

    Raises:
        StepsSpentError: If the measurement was begun before and its result is lost.
        LeaseLostError: If another run has taken the charge over.
        LedgerError: If the ledger is older than the result.
        ModelFileError: If the result cannot be read.
    """
    mechanism = attempt.plan.mechanism
    measurements, lease = measured_tables(
        _plan(mechanism, attempt.rows),
        attempt.ledger,
        attempt.lease,
        attempt.plan.count_steps + 1,
        attempt.directory,
        attempt.fingerprint,
        attempt.read_day,
    )
    attempt.ledger.finish(lease)
    attempt.progress(1, 2)
    history = None
    if isinstance(measurements, EndsMeasurements):
        files = save_ends(attempt.directory, fit_ends(measurements.plan, evidence_of(measurements)))
    else:
        link, files = _fit_and_link(attempt, measurements)
        history = {**link.model_dump(mode="json"), "link": link.sha256}
    attempt.progress(2, 2)
    described = measurements.plan.mechanism.describe()
    return Made(
        files=[*files, *MEASUREMENTS.files],
        mechanism={
            "name": "gaussian_counts",
            "noise_multiplier": mechanism.noise_multiplier,
            **described,
        },
        steps_executed=1,
        history=history,
    )


def _fit_and_link(attempt: Attempt, measurements: Measurements) -> tuple[Link, list[str]]:
    """Fit a field with what earlier days tell, and leave what this one tells the next."""
    link, before = take_up(attempt.directory, attempt.day, measurements)
    evidence, state = advanced(before, measurements, attempt.day)
    field = fit(measurements.plan, evidence)
    files = [*save_field(attempt.directory, field), *save_state(attempt.directory, state), LINK]
    return link, files


def _plan(mechanism: Mechanism, rows: Rows) -> Plan | EndsPlan:
    """What is measured of a day of that size."""
    if isinstance(mechanism, EndsMechanism) and isinstance(rows, tuple):
        return mechanism.plan(*rows)
    assert isinstance(mechanism, FieldMechanism)
    assert isinstance(rows, int)
    return mechanism.plan(rows)
