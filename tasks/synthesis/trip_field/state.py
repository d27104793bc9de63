"""What is carried from day to day: the noisy counts of all days so far are the next day's prior.

    evidence, state = advanced(state, measurements, day)
    field = fit(measurements.plan, evidence)

Only noisy counts are read, which are differentially private already, and the public calendar: the
state is post-processing, and costs nothing.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tasks.synthesis.stored import Arrays, Stored
from tasks.synthesis.trip_field.evidence import Evidence
from tasks.synthesis.trip_field.lattice import Floats, Lattice
from tasks.synthesis.trip_field.layout import BY_AREA, BY_NOTHING, PLACED, by_place, layouts
from tasks.synthesis.trip_field.measurements import Measurements
from tasks.synthesis.trip_field.tables import table_sizes
from tasks.synthesis.trip_field.tracks import (
    Counted,
    Dynamics,
    Estimate,
    Track,
    aged,
    begun,
    loosened_by,
    predicted,
    summing_to,
    updated,
)

STATE = Stored("state", "a state", "restore it from a backup")
DYNAMICS = Dynamics()
"""What every region is believed to do."""


@dataclass(frozen=True)
class Known:
    """A table as it was known on a day.

    Attributes:
        track: What is known of its cells.
        day: The newest day in it.
    """

    track: Track
    day: dt.date


@dataclass(frozen=True)
class State:
    """What the days so far say about the next.

    Attributes:
        lattice: The public lattice of the newest measurement.
        tables: What is known of each table, by `_key`: days of another size are measured at
            another resolution, and what was known at this one waits for the next of its size.
    """

    lattice: Lattice
    tables: Mapping[str, Known]

    @property
    def day(self) -> dt.date:
        """The newest day that was measured."""
        return max(known.day for known in self.tables.values())

    def carried(self, lattice: Lattice) -> dict[str, Known]:
        """The tables that are known on a lattice; none of another service area."""
        if replace(self.lattice, cells_per_degree=lattice.cells_per_degree) != lattice:
            return {}
        return {
            name: self.tables[_key(name, lattice)]
            for name, (cells, _) in table_sizes(lattice).items()
            if _key(name, lattice) in self.tables
            and self.tables[_key(name, lattice)].track.mean.shape[1] == cells
        }

    def describe(self) -> tuple[Arrays, dict[str, Any]]:
        """All of it as arrays and JSON values."""
        arrays = {}
        for key, known in self.tables.items():
            arrays[f"{key}.mean"] = known.track.mean
            arrays[f"{key}.covariance"] = known.track.covariance
        days = {key: known.day.isoformat() for key, known in self.tables.items()}
        return arrays, {"lattice": self.lattice.describe(), "days": days}

    @classmethod
    def described(cls, document: Mapping[str, Any], arrays: Arrays) -> "State":
        """The state that `describe` described.

        Raises:
            KeyError: If an array is missing.
            ValueError: If they do not fit together.
        """
        tables = {
            key: Known(
                Track(arrays[f"{key}.mean"], arrays[f"{key}.covariance"]),
                dt.date.fromisoformat(day),
            )
            for key, day in document["days"].items()
        }
        if any(
            len(known.track.mean) != 2
            or known.track.covariance.shape != (3, *known.track.mean.shape[1:])
            for known in tables.values()
        ):
            raise ValueError("means and covariances do not fit together")
        return cls(Lattice.described(document["lattice"]), tables)


def _key(name: str, lattice: Lattice) -> str:
    """A table's name, with the resolution where it tells places within an area apart."""
    if name in BY_AREA + BY_NOTHING:
        return name
    return f"{name}@{lattice.cells_per_degree}"


def advanced(
    state: State | None,
    measurements: Measurements,
    day: dt.date,
    dynamics: Dynamics = DYNAMICS,
) -> tuple[Evidence, State]:
    """What is known of a day, and what is carried on from it.

    Days may be missing. A day before the state's is looked at with the state as it is, which knows
    later days, and enters it likewise: with the drift of the days between.

    Args:
        state: What is carried; none for the first day.
        measurements: Of the day.
        day: The local calendar day.
        dynamics: How shares change.

    Returns:
        What the fit goes by: the measurements themselves on the first day. And the new state.
    """
    plan = measurements.plan
    return tracked(state, plan.lattice, measurements.estimates, plan.rows, day, dynamics)


def tracked(
    state: State | None,
    lattice: Lattice,
    measured: Mapping[str, tuple[Floats, float]],
    rows: int,
    day: dt.date,
    dynamics: Dynamics = DYNAMICS,
) -> tuple[Evidence, State]:
    """The same of any counts that lie as this synthesizer's do.

    Args:
        state: What is carried; none for the first day.
        lattice: The public lattice of the day.
        measured: By table the noisy counts, shape (cells,), and their standard deviation.
        rows: How many were counted in each table.
        day: The local calendar day.
        dynamics: How shares change.
    """
    carried = {} if state is None else state.carried(lattice)
    is_weekend = day.weekday() >= 5
    seen = {
        name: Counted(values, stddev, rows, is_weekend)
        for name, (values, stddev) in measured.items()
    }
    estimates: dict[str, Estimate] = {}
    tables: dict[str, Known] = {}
    surprises: Floats | None = None
    for name, layout in layouts(lattice).items():
        counted, known = seen.get(name), carried.get(name)
        if known is not None:
            gap = (day - known.day).days
            track = aged(known.track, max(gap, 0), layout, dynamics)
            prior = predicted(track, rows, is_weekend, dynamics.drift**2 * max(-gap, 0))
            if surprises is not None:
                prior = loosened_by(surprises, prior, layout)
            if layout.whole in estimates:
                prior = summing_to(estimates[layout.whole], prior, layout)
            estimates[name] = prior
            if counted is not None:
                estimates[name], track, loosened = updated(track, counted, prior, layout, dynamics)
                if name == PLACED:
                    surprises = by_place(lattice, layout.within[0], loosened)
            tables[_key(name, lattice)] = Known(track, max(day, known.day))
        elif counted is not None:
            estimates[name], track = begun(counted, layout, dynamics)
            tables[_key(name, lattice)] = Known(track, day)
    evidence = Evidence(
        {name: estimate.values for name, estimate in estimates.items()},
        {name: estimate.stddev for name, estimate in estimates.items()},
    )
    waiting = state.tables if state is not None and carried else {}
    return evidence, State(lattice, {**waiting, **tables})


def save_state(directory: Path, state: State) -> list[str]:
    """Write the state; returns the names of the files."""
    return STATE.save(directory, *state.describe())


def load_state(directory: Path) -> State:
    """Read a stored state.

    Raises:
        ModelFileError: If it is missing or not readable.
    """
    with STATE.reading(directory) as (document, arrays):
        return State.described(document, arrays)
