"""Intervals for the true numbers of a day, as a table; post-processing of noisy counts and rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.schema import INTERVALS
from tasks.synthesis.grid import HOURS
from tasks.synthesis.trip_field.counted import Counted, Counts
from tasks.synthesis.trip_field.field import Field
from tasks.synthesis.trip_field.lattice import CELLS, SIDE, SPLIT, Floats, Integers, Lattice
from tasks.synthesis.trip_field.law import WITHIN, Law, expected
from tasks.synthesis.trip_field.misfit import Misfit, misfits_of
from tasks.synthesis.trip_field.spread import Spread
from tasks.synthesis.trip_field.tables import displacements
from tasks.synthesis.trip_field.targets import (
    FINE,
    KINDS,
    Kind,
    pair,
    places_of,
    targets_of,
)
from tasks.synthesis.trip_field.true_number import interval, true_number

_PLANE = 0.015
"""Standard deviation of a distance's count, as a share, for it was counted in a plane."""


@dataclass(frozen=True)
class Numbers:
    """What is known of the numbers of a day.

    Attributes:
        public: The lattice of the service area with the largest cells.
        targets: Of each kind what is looked at: all places, hours and distances, and the flows that
            hold rows.
        rows: How many rows each holds.
        laws: What is expected of each, and of trips within one cell or block.
        counts: The noisy counts that the field was fitted to.
        misfits: What laws miss, by kind.
        trips: Number of all trips.
    """

    public: Lattice
    targets: Mapping[Kind, Integers]
    rows: Mapping[Kind, Integers]
    laws: Mapping[Kind, Law]
    counts: Counts
    misfits: Mapping[Kind, Misfit]
    trips: int

    @classmethod
    def of(
        cls, field: Field, spread: Spread, trips: pa.Table, generator: np.random.Generator
    ) -> "Numbers":
        """What a fitted field and its rows tell.

        Args:
            field: What the rows were drawn from.
            spread: Draws around it.
            trips: The rows.
            generator: Source of randomness.
        """
        public = Lattice(field.lattice.boxes)
        found = targets_of(public, trips)
        targets = {
            kind: np.unique(found[kind])
            if kind.counted == "flows"
            else np.arange(_number(public, kind))
            for kind in (*KINDS, *WITHIN)
        }
        rows = {
            kind: np.bincount(np.searchsorted(targets[kind], each), minlength=len(targets[kind]))
            for kind, each in found.items()
        }
        return cls(
            public,
            targets,
            rows,
            expected(field, spread, targets, generator),
            Counts(public, field.lattice, spread.evidence),
            misfits_of(field, spread),
            field.rows,
        )

    def true(self, misfits: Mapping[Kind, Misfit] | None = None) -> dict[Kind, Law]:
        """Means and variances of the true numbers.

        Args:
            misfits: What laws miss; by default what is believed of them.
        """
        found = {}
        for kind in KINDS:
            law, misfit = self.laws[kind], (misfits or self.misfits)[kind]
            seen, missed = self.counts.of(kind, self.targets[kind]), np.zeros(len(law.mean))
            if kind.counted == "destinations" and kind.grid is not None:
                within = self.laws[Kind("within", kind.grid)]
                missed = (misfit.within * within.mean) ** 2
                seen = self._arrived(kind.grid, within, missed)
            if kind.counted == "distances":
                seen = replace(seen, variance=seen.variance + (_PLANE * law.mean) ** 2)
            found[kind] = true_number(law, seen, self.trips, misfit, missed)
        return found

    def _arrived(self, grid: float, within: Law, missed: Floats) -> Counted:
        """Destinations by the counts of both ends: less the origins, and those of both again."""
        places = self.targets[Kind("destinations", grid)]
        ends, left = self.counts.ends(grid, places), self.counts.of(Kind("origins", grid), places)
        return Counted(
            ends.values - left.values + within.mean,
            ends.variance + left.variance + within.variance + within.mean + missed,
        )


def intervals(
    field: Field, spread: Spread, trips: pa.Table, generator: np.random.Generator
) -> pa.Table:
    """An interval for every place and flow that holds a row, every hour and every distance.

    Args:
        field: What the rows were drawn from.
        spread: Draws around it.
        trips: The rows of the release.
        generator: Source of randomness.

    Returns:
        Columns of `tasks.schema.INTERVALS`.
    """
    numbers = Numbers.of(field, spread, trips, generator)
    tables = []
    for kind, true in numbers.true().items():
        rows = numbers.rows[kind]
        shown = np.flatnonzero((rows > 0) | (kind.grid is None))
        targets = numbers.targets[kind][shown]
        tables.append(_table(numbers.public, kind, targets, rows[shown], true.at(shown)))
    return pa.concat_tables(tables)


def _number(public: Lattice, kind: Kind) -> int:
    """How many targets of a kind there are, of those that are not pairs."""
    if kind.grid is not None:
        return places_of(public, kind.grid)
    return HOURS if kind.counted == "hours" else displacements(public).distances


def _table(
    public: Lattice, kind: Kind, targets: Integers, rows: Integers, numbers: Law
) -> pa.Table:
    """The intervals of one kind."""
    low, high = interval(numbers)
    columns: dict[str, Any] = {
        "counted": pa.repeat(kind.counted, len(targets)),
        "grid_degrees": pa.array([kind.grid] * len(targets), pa.float64()),
        **_where(public, kind, targets),
        "rows": rows,
        "low": low,
        "high": high,
        "stddev": np.sqrt(numbers.variance),
    }
    return pa.table(
        [
            pa.array(columns[column.name]).cast(column.type)
            if column.name in columns
            else pa.nulls(len(targets), column.type)
            for column in INTERVALS.columns
        ],
        schema=INTERVALS.arrow(),
    )


def _where(public: Lattice, kind: Kind, targets: Integers) -> dict[str, Any]:
    """Areas and edges of places, hours, or ends of distances."""
    if kind.grid is None:
        if kind.counted == "hours":
            return {"hour": targets}
        edges = displacements(public).edges
        return {"from_m": edges[targets], "to_m": edges[targets + 1]}
    if kind.counted != "flows":
        return _edges(public, kind.grid, targets)
    origin, destination = pair(public, kind.grid, targets)
    to = _edges(public, kind.grid, destination)
    del to["area"]
    return {
        **_edges(public, kind.grid, origin),
        **{f"to_{name}": values for name, values in to.items()},
    }


def _edges(public: Lattice, grid: float, places: Integers) -> dict[str, Any]:
    """Area and whole edges of places; those at the edge of the area reach beyond it."""
    block, cell = np.divmod(places, CELLS) if grid == FINE else (places, np.zeros_like(places))
    side = SPLIT if grid == FINE else SPLIT * SIDE
    low = public.row_and_column(np.stack([block, cell, np.zeros_like(block)], axis=1))
    area = public.area[block]
    per_degree = public.parts_per_degree[area]
    names = pa.array([box.name for box in public.boxes])
    return {
        "area": names.take(pa.array(area)),
        **dict(zip(("south", "west"), (low / per_degree).T, strict=True)),
        **dict(zip(("north", "east"), ((low + side) / per_degree).T, strict=True)),
    }
