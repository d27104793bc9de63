"""Counted synthesizers under the ledger: measured once, stored, then fitted as often as need be."""

from tasks.synthesis.attempt import Attempt, Made
from tasks.synthesis.chain import LINK, Link, take_up
from tasks.synthesis.measured import measured_tables
from tasks.synthesis.plan import Mechanism, Rows
from tasks.synthesis.trip_ends import EndsMeasurements, EndsMechanism, EndsPlan
from tasks.synthesis.trip_ends import save_field as save_ends
from tasks.synthesis.trip_ends import state as ends_state
from tasks.synthesis.trip_ends.fit import fit as fit_ends
from tasks.synthesis.trip_field import (
    MEASUREMENTS,
    FieldMechanism,
    Measurements,
    Plan,
    advanced,
    load_state,
    save_field,
    save_spread,
    save_state,
)
from tasks.synthesis.trip_field.fit import fit_with_spread
from tasks.synthesis.trip_field.state import STATE


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
    if isinstance(measurements, EndsMeasurements):
        link, files = _fit_ends_and_link(attempt, measurements)
    else:
        link, files = _fit_and_link(attempt, measurements)
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
        history={**link.model_dump(mode="json"), "link": link.sha256},
    )


def _fit_and_link(attempt: Attempt, measurements: Measurements) -> tuple[Link, list[str]]:
    """Fit a field with what earlier days tell, and leave what this one tells the next."""
    lattice = measurements.plan.lattice
    link, before = take_up(attempt.directory, attempt.day, lattice, STATE, load_state)
    evidence, state = advanced(before, measurements, attempt.day)
    field, spread = fit_with_spread(measurements.plan, evidence)
    files = [
        *save_field(attempt.directory, field),
        *save_spread(attempt.directory, spread),
        *save_state(attempt.directory, state),
        LINK,
    ]
    return link, files


def _fit_ends_and_link(attempt: Attempt, measurements: EndsMeasurements) -> tuple[Link, list[str]]:
    """The same of starts and ends."""
    directory, plan = attempt.directory, measurements.plan
    link, before = take_up(
        directory, attempt.day, plan.lattice, ends_state.STATE, ends_state.load_state
    )
    evidence, state = ends_state.advanced(before, measurements, attempt.day)
    field = fit_ends(plan, evidence)
    return link, [*save_ends(directory, field), *ends_state.save_state(directory, state), LINK]


def _plan(mechanism: Mechanism, rows: Rows) -> Plan | EndsPlan:
    """What is measured of a day of that size."""
    if isinstance(mechanism, EndsMechanism) and isinstance(rows, tuple):
        return mechanism.plan(*rows)
    assert isinstance(mechanism, FieldMechanism)
    assert isinstance(rows, int)
    return mechanism.plan(rows)
