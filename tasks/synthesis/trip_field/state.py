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

from tasks.synthesis.stored import Stored
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
class State:
    """What the days so far say about the next.

    Attributes:
        day: The newest day that was measured.
        days: How many measured days stand behind it, >= 1.
        lattice: The public lattice of the newest measurement.
        tables: What is known of each table.
    """

    day: dt.date
    days: int
    lattice: Lattice
    tables: Mapping[str, Track]

    def carried(self, lattice: Lattice) -> dict[str, Track]:
        """The tables that mean the same on a lattice; others start anew.

        Another service area has no table in common. At another resolution those remain that do
        not tell places within an area apart.
        """
        if replace(self.lattice, cells_per_degree=lattice.cells_per_degree) != lattice:
            return {}
        sizes = table_sizes(lattice)
        return {
            name: track
            for name, track in self.tables.items()
            if (self.lattice == lattice or name in BY_AREA + BY_NOTHING)
            and name in sizes
            and track.mean.shape[1] == sizes[name][0]
        }


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
    carried = {} if state is None else state.carried(plan.lattice)
    gap = 0 if state is None else (day - state.day).days
    away = dynamics.drift**2 * max(-gap, 0)
    is_weekend = day.weekday() >= 5
    seen = {
        table.name: Counted(*measurements.estimate(table.name), plan.rows, is_weekend)
        for table in plan.mechanism.tables
    }
    estimates: dict[str, Estimate] = {}
    tracks: dict[str, Track] = {}
    surprises: Floats | None = None
    for name, layout in layouts(plan.lattice).items():
        counted, track = seen.get(name), carried.get(name)
        if track is not None:
            track = aged(track, max(gap, 0), layout, dynamics)
            prior = predicted(track, plan.rows, is_weekend, away)
            if surprises is not None:
                prior = loosened_by(surprises, prior, layout)
            if layout.whole in estimates:
                prior = summing_to(estimates[layout.whole], prior, layout)
            estimates[name], tracks[name] = prior, track
            if counted is not None:
                estimates[name], tracks[name], loosened = updated(
                    track, counted, prior, layout, dynamics
                )
                if name == PLACED:
                    surprises = by_place(plan.lattice, layout.within[0], loosened)
        elif counted is not None:
            estimates[name], tracks[name] = begun(counted, layout, dynamics)
    evidence = Evidence(
        {name: estimate.values for name, estimate in estimates.items()},
        {name: estimate.stddev for name, estimate in estimates.items()},
    )
    if state is None:
        return evidence, State(day, 1, plan.lattice, tracks)
    return evidence, State(max(day, state.day), state.days + 1, plan.lattice, tracks)


def save_state(directory: Path, state: State) -> list[str]:
    """Write the state; returns the names of the files."""
    arrays = {}
    for name, track in state.tables.items():
        arrays[f"{name}.mean"], arrays[f"{name}.covariance"] = track.mean, track.covariance
    document = {
        "day": state.day.isoformat(),
        "days": state.days,
        "lattice": state.lattice.describe(),
    }
    return STATE.save(directory, arrays, document)


def load_state(directory: Path) -> State:
    """Read a stored state.

    Raises:
        ModelFileError: If it is missing or not readable.
    """
    with STATE.reading(directory) as (document, arrays):
        names = [name.removesuffix(".mean") for name in arrays if name.endswith(".mean")]
        tables = {
            name: Track(arrays[f"{name}.mean"], arrays[f"{name}.covariance"]) for name in names
        }
        if any(
            len(track.mean) != 2 or track.covariance.shape != (3, *track.mean.shape[1:])
            for track in tables.values()
        ):
            raise ValueError("means and covariances do not fit together")
        return State(
            dt.date.fromisoformat(document["day"]),
            document["days"],
            Lattice.described(document["lattice"]),
            tables,
        )
