"""How many trips a field expects of places, pairs, hours and distances, and how sure that is.

Rows are drawn from the field, many times as many as a release has, and counted; and counted again
for each draw of its spread, every row weighted by how much more of it that draw expects.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.synthesis.trip_field.field import Field
from tasks.synthesis.trip_field.lattice import CELLS, Bools, Floats, Integers, Lattice
from tasks.synthesis.trip_field.sampling import sample
from tasks.synthesis.trip_field.spread import Spread, Trips
from tasks.synthesis.trip_field.tables import displacements, offset_m
from tasks.synthesis.trip_field.targets import COARSE, FINE, Kind, targets_of

WITHIN = (Kind("within", FINE), Kind("within", COARSE))
"""Trips that start and end in one cell, or block, of the field: by places of either height."""

_ROWS_AT_ONCE = 262_144
_DRAWN = 600_000
_FEWEST, _MOST = 4, 64
"""So many rows are drawn for every trip, about _DRAWN in all."""
_ALIKE = 8.0
"""Targets of one size tell as much of each other as so many draws would."""
_PER_DOUBLING = 2
"""So many sizes are told apart in every doubling."""


@dataclass(frozen=True)
class Law:
    """Numbers of trips, each with its uncertainty, shape (targets,) each.

    Attributes:
        mean: >= 0.
        variance: Square of the standard deviation of what the number may be.
    """

    mean: Floats
    variance: Floats

    def at(self, index: Integers) -> "Law":
        """Those of some targets."""
        return Law(self.mean[index], self.variance[index])


def expected(
    field: Field, spread: Spread, targets: Mapping[Kind, Integers], generator: np.random.Generator
) -> dict[Kind, Law]:
    """The expected numbers of targets.

    Args:
        field: The field.
        spread: Draws around it.
        targets: Of each kind, of `KINDS` or `WITHIN`, those that are asked for, in order.
        generator: Draws the rows.
    """
    public = Lattice(field.lattice.boxes)
    times = int(np.clip(_DRAWN // field.rows, _FEWEST, _MOST))
    sums = {kind: np.zeros((1 + spread.draws, len(known))) for kind, known in targets.items()}
    left = times * field.rows
    while left > 0:
        drawn = sample(field, min(left, _ROWS_AT_ONCE), generator)
        left -= len(drawn)
        trips = located(field, drawn)
        weights = [np.ones(len(drawn)), *(spread.ratios(k, trips) for k in range(spread.draws))]
        found = targets_of(public, drawn) | _within(public, field.lattice, trips)
        for kind, known in targets.items():
            place = np.minimum(np.searchsorted(known, found[kind]), len(known) - 1)
            hit = known[place] == found[kind]
            for draw, weight in enumerate(weights):
                sums[kind][draw] += np.bincount(place[hit], weight[hit], len(known))
    return {kind: _law(total, times) for kind, total in sums.items()}


def located(field: Field, trips: pa.Table) -> Trips:
    """Where trips lie among the factors of a field."""
    lattice = field.lattice
    places = lattice.encode(trips)
    area = lattice.area[places.origin]
    return Trips(
        places.origin,
        places.origin_cell,
        places.destination,
        places.destination_cell,
        lattice.offset(places.origin, places.destination),
        displacements(lattice).bin_of(*offset_m(lattice, area, places.degrees)),
        places.hour,
    )


def _within(public: Lattice, lattice: Lattice, trips: Trips) -> dict[Kind, Integers]:
    """The place of each trip within one cell, or block; -1 for others."""
    cell = lattice.cells_on(public)[trips.origin, trips.origin_cell]
    same_block = trips.origin == trips.destination
    same_cell = same_block & (trips.origin_cell == trips.destination_cell)
    block = cell // CELLS
    return {
        WITHIN[0]: np.where(same_cell, cell, -1),
        WITHIN[1]: np.where(same_block, block, -1),
    }


def _law(sums: Floats, times: int) -> Law:
    """From the sums over rows of every draw, the field itself first, shape (1 + draws, targets).

    The mean is that of the draws: a field that is the most probable one is not the mean one. Most
    of what it counts as empty is, but not all, and some draws say so.
    """
    seen = sums[0] > 0
    rows = np.maximum(sums[0], 0.5)
    if not seen.any():
        return Law(rows / times, rows / times**2)
    ratio = sums[1:, seen] / sums[0, seen]
    alike = _Alike(rows, seen)
    scale = alike.pooled(ratio.mean(axis=0), len(ratio))
    relative = alike.pooled(ratio.var(axis=0, ddof=1), len(ratio) - 1)
    # what was counted of the rows drawn is itself a draw
    return Law(scale * rows / times, (relative * rows + scale**2) * rows / times**2)


class _Alike:
    """Targets that have about as many rows.

    Args:
        rows: Number of rows drawn of each target, not less than 0.5, shape (targets,).
        seen: Whether any were.
    """

    def __init__(self, rows: Floats, seen: Bools) -> None:
        self._seen = seen
        self._size = np.floor(_PER_DOUBLING * np.log2(2 * rows)).astype(np.int64)
        self._members = np.bincount(self._size[seen], minlength=self._size.max(initial=0) + 1)

    def pooled(self, values: Floats, weight: int) -> Floats:
        """Values of the seen targets drawn towards the mean of those alike; of others those means.

        Args:
            values: Shape (seen targets,).
            weight: What each counts for, beside _ALIKE of the mean.

        Returns:
            Shape (targets,).
        """
        met = np.flatnonzero(self._members)
        sums = np.bincount(self._size[self._seen], values, len(self._members))
        mean = np.interp(self._size, met, sums[met] / self._members[met])
        mean[self._seen] = (weight * values + _ALIKE * mean[self._seen]) / (weight + _ALIKE)
        return np.asarray(mean)
