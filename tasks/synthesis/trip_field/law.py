"""How many trips a field expects of places, pairs, hours and distances, and how sure that is.

Rows are drawn from the field, many times as many as a release has, and counted; and counted again
for each draw of its spread, every row weighted by how much more of it that draw expects.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.synthesis.trip_field.field import Field
from tasks.synthesis.trip_field.lattice import CELLS, Floats, Integers, Lattice
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
"""Targets of one size tell as much of each other's spread as so many draws would."""
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
    """From the sums over rows of every draw, the field itself first, shape (1 + draws, targets)."""
    seen = sums[0] > 0
    mean = np.maximum(sums[0], 0.5) / times
    ratio = sums[1:, seen] / sums[0, seen]
    size = np.floor(_PER_DOUBLING * np.log2(mean * times)).astype(np.int64) + _PER_DOUBLING
    relative = ratio.var(axis=0, ddof=1)
    members = np.maximum(np.bincount(size[seen], minlength=size.max(initial=0) + 1), 1)
    alike = np.bincount(size[seen], relative, len(members)) / members
    alike[0] = alike[min(_PER_DOUBLING, len(alike) - 1)]  # not drawn: as what was drawn once
    pooled = alike[size]
    freedom = len(ratio) - 1
    pooled[seen] = (freedom * relative + _ALIKE * pooled[seen]) / (freedom + _ALIKE)
    # what was counted of the rows drawn is itself a draw
    return Law(mean, pooled * mean**2 + mean / times)
