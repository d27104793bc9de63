"""Trips as canaries of a measurement of counts: real trips that it treats worst.

A trip adds 1 to the cells that it touches, and is protected by the noise there. All that a trip
gives away is how many cells it touches and how little noise they have: the sum of the inverse
variances, at most that of the joint sensitivity. Trips whose ends lie in different cells of every
table reach it. Among many canaries each also hides behind those that share its cells; so their
ends are spread over all the parts of the map, and their hours over the day.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from tasks.audit.counts.counting import Counting
from tasks.audit.errors import AuditError
from tasks.audit.trips import trips_between
from tasks.privacy.weighted_counts import WeightedMeasurement
from tasks.synthesis.grid import HOURS
from tasks.synthesis.microdegrees import MICRO
from tasks.synthesis.trip_field.lattice import Integers, Lattice

_TRIES = 200
_WORST = 0.99
"""Canaries give away at least this share of what the worst of them does."""


@dataclass(frozen=True)
class CountCanaries:
    """Canaries of a measurement.

    Attributes:
        trips: The trips, columns as `tasks.schema.RELEASE`.
        weights: What each adds to each cell of all tables, one after the other, in standard
            deviations of the noise there, shape (canaries, cells).
    """

    trips: pa.Table
    weights: sparse.csr_matrix


def count_canaries(
    counting: Counting, canaries: int, generator: np.random.Generator
) -> CountCanaries:
    """Canaries of a measurement.

    Args:
        counting: What is counted.
        canaries: Their number.
        generator: Source of randomness; not secret, only the coins are.

    Raises:
        AuditError: If no trip between the middles of parts lies in the service area.
    """
    found: list[pa.Table] = []
    tries = 0
    while sum(table.num_rows for table in found) < canaries:
        if not found and tries == _TRIES:
            raise AuditError(
                "the service area is so narrow that no canary can be placed in it; audit a region "
                "with a wider one"
            )
        tries += 1
        trips = _trips_between_parts(counting.lattice, generator)
        weights = cell_weights(counting.mechanism, counting.touched(trips))
        given_away = np.asarray(weights.power(2).sum(axis=1)).ravel()
        if len(given_away):
            worst = given_away >= _WORST * given_away.max()
            found.append(trips.filter(worst))
    trips = pa.concat_tables(found).combine_chunks()
    trips = trips.take(generator.choice(trips.num_rows, canaries, replace=False))
    return CountCanaries(trips, cell_weights(counting.mechanism, counting.touched(trips)))


def cell_weights(mechanism: WeightedMeasurement, cells: dict[str, Integers]) -> sparse.csr_matrix:
    """What each trip adds to each cell, in standard deviations of the noise, (trips, cells).

    Args:
        mechanism: What is measured.
        cells: For each table the cells that each trip touches; -1 stands for none.
    """
    blocks = []
    for table in mechanism.tables:
        trip, place = np.nonzero(cells[table.name] >= 0)
        cell = cells[table.name][trip, place]
        value = np.full(len(trip), 1 / table.stddev)
        shape = (len(cells[table.name]), table.cells)
        blocks.append(sparse.csr_matrix((value, (trip, cell)), shape))
    return sparse.csr_matrix(sparse.hstack(blocks))


def _trips_between_parts(lattice: Lattice, generator: np.random.Generator) -> pa.Table:
    """Trips from the middle of every other part of a map to the middle of one of the others.

    Of an area cut by an outline those are left out that do not lie in it.
    """
    area, ends = [], []
    for number in range(len(lattice.boxes)):
        parts = np.flatnonzero((lattice.area[:, None, None] == number) & (lattice.cover > 0))
        half = len(parts) // 2
        shuffled = _middles(lattice, generator.permutation(parts)[: 2 * half])
        ends.append(np.concatenate([shuffled[:half], shuffled[half:]], axis=1))
        area.append(np.full(half, number))
    both = np.concatenate(ends)
    hours = generator.permutation(np.arange(len(both)) % HOURS)
    trips = trips_between(lattice.boxes, np.concatenate(area), hours, both)
    return trips.take(lattice.encode(trips).row)


def _middles(lattice: Lattice, parts: Integers) -> NDArray[np.int64]:
    """Latitude and longitude of the middle of parts, by flat index, in microdegrees, (n, 2)."""
    edges = lattice.part_edges(*np.unravel_index(parts, lattice.cover.shape))
    return np.asarray(np.round((edges[:, :2] + edges[:, 2:]) / 2 * MICRO), np.int64)
