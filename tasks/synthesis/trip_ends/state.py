"""What is carried from day to day of starts and of ends, each by itself, as of trips.

    evidence, state = advanced(state, measurements, day)
    field = fit(measurements.plan, evidence)

Only noisy counts are read, which are differentially private already, and the public calendar.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.synthesis.stored import Arrays, Stored
from tasks.synthesis.trip_ends.evidence import EndsEvidence, estimates_of
from tasks.synthesis.trip_ends.measurements import EndsMeasurements
from tasks.synthesis.trip_ends.tables import KINDS
from tasks.synthesis.trip_field.lattice import Lattice
from tasks.synthesis.trip_field.state import Known, State, tracked

STATE = Stored("ends_state", "a state of starts and ends", "restore it from a backup")


@dataclass(frozen=True)
class EndsState:
    """What the days so far say about the next.

    Attributes:
        start: About its starts.
        end: About its ends.
    """

    start: State
    end: State

    def carried(self, lattice: Lattice) -> dict[str, Known]:
        """The tables of starts that are known on a lattice; those of ends are the same."""
        return self.start.carried(lattice)


def advanced(
    state: EndsState | None, measurements: EndsMeasurements, day: dt.date
) -> tuple[EndsEvidence, EndsState]:
    """What is known of a day, and what is carried on from it; see `trip_field.state.advanced`.

    Args:
        state: What is carried; none for the first day.
        measurements: Of the day.
        day: The local calendar day.
    """
    plan = measurements.plan
    before = (None, None) if state is None else (state.start, state.end)
    found = [
        tracked(known, plan.lattice, estimates_of(measurements, kind), number, day)
        for kind, known, number in zip(KINDS, before, (plan.starts, plan.ends), strict=True)
    ]
    (start, start_state), (end, end_state) = found
    return {"start": start, "end": end}, EndsState(start_state, end_state)


def save_state(directory: Path, state: EndsState) -> list[str]:
    """Write the state; returns the names of the files."""
    arrays: Arrays = {}
    documents: dict[str, Any] = {}
    for kind, known in zip(KINDS, (state.start, state.end), strict=True):
        of_kind, documents[kind] = known.describe()
        arrays.update({f"{kind}.{name}": values for name, values in of_kind.items()})
    return STATE.save(directory, arrays, documents)


def load_state(directory: Path) -> EndsState:
    """Read a stored state.

    Raises:
        ModelFileError: If it is missing or not readable.
    """
    with STATE.reading(directory) as (documents, arrays):
        start, end = (
            State.described(
                documents[kind],
                {
                    name.removeprefix(f"{kind}."): values
                    for name, values in arrays.items()
                    if name.startswith(f"{kind}.")
                },
            )
            for kind in KINDS
        )
        return EndsState(start, end)
