"""Rows drawn from a field: systematically, so that they vary little more than they must.

Trips are laid out along a line in the order of origin block, origin cell and offset, each as long
as its share, and the line is cut at equal distances from one uniform start: every stretch of it
gets as many rows as it has trips, give or take one. What is left of each cut says which cell of
the destination is meant. Parts of cells are drawn from the finer density, and positions by
acceptance: both ends uniform in their parts, accepted in proportion to the density of the
displacement between them. Hours follow from where a trip begins and how far it goes.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.synthesis import microdegrees
from tasks.synthesis.grid import MIN_DISTANCE_M, Columns
from tasks.synthesis.microdegrees import MICRO
from tasks.synthesis.sampling import release_table
from tasks.synthesis.trip_field.field import Field
from tasks.synthesis.trip_field.geometry import CELL_OFFSET
from tasks.synthesis.trip_field.kernel import SECTORS
from tasks.synthesis.trip_field.lattice import (
    CELLS,
    FAR,
    Bools,
    Floats,
    Integers,
)
from tasks.synthesis.trip_field.tables import offset_m

_ROWS_AT_ONCE = 16_384
_TRIES = 24
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class _Drawn:
    """Cells of trips, one array of shape (n,) per field."""

    origin: Integers
    origin_cell: Integers
    offset: Integers
    destination: Integers
    destination_cell: Integers


def sample(field: Field, rows: int, generator: np.random.Generator) -> pa.Table:
    """Draw trips from a field; every row is valid by construction.

    Args:
        field: The field; what is drawn from it is post-processing.
        rows: Number of rows, >= 0.
        generator: Source of randomness.

    Returns:
        Columns of `tasks.schema.RELEASE`, sorted by their values: the order says nothing.
    """
    if rows == 0:
        empty = np.zeros(0)
        none = Columns(
            empty.astype(np.int64), empty.astype(np.int64), empty, empty, empty, empty, empty
        )
        return release_table(field.lattice.boxes, none)
    drawn = _cells(field, rows, generator)
    ends = np.concatenate(
        [
            _positions(field, _some(drawn, slice(first, first + _ROWS_AT_ONCE)), generator)
            for first in range(0, rows, _ROWS_AT_ONCE)
        ]
    )
    hours = _hours(field, drawn.origin, ends, generator)
    return release_table(
        field.lattice.boxes,
        Columns(
            field.lattice.area[drawn.origin],
            hours,
            ends[:, 0] / MICRO,
            ends[:, 1] / MICRO,
            ends[:, 2] / MICRO,
            ends[:, 3] / MICRO,
            microdegrees.distance_between(*ends.T),
        ),
    )


def _some(drawn: _Drawn, rows: slice | Integers) -> _Drawn:
    return _Drawn(**{name: values[rows] for name, values in vars(drawn).items()})


def _cells(field: Field, rows: int, generator: np.random.Generator) -> _Drawn:
    """Cells of origins and destinations by systematic sampling."""
    line = np.cumsum(field.flows.ravel())
    marks = (np.arange(rows) + generator.random()) / rows * line[-1]
    index = np.minimum(np.searchsorted(line, marks, "right"), len(line) - 1)
    length = field.flows.ravel()[index]
    # how far into its stretch a mark falls is uniform, and independent enough of everything else
    rest = np.clip((marks - line[index]) / np.maximum(length, 1e-300) + 1, 0, 1 - 1e-12)
    block_cell, offset = np.divmod(index, FAR + 1)
    origin, origin_cell = np.divmod(block_cell, CELLS)
    destination, destination_cell = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    padded = np.concatenate([field.lattice.neighbours, np.zeros((1, field.lattice.blocks), int)])
    for number, kernel in enumerate(field.kernels):
        inside = field.lattice.area[origin] == number
        near = np.flatnonzero(inside & (offset != FAR))
        destination[near] = padded[offset[near], origin[near]]
        weights = kernel.near[offset[near], origin_cell[near]] * field.attraction[destination[near]]
        destination_cell[near] = _pick(weights, rest[near])
        for row in np.flatnonzero(inside & (offset == FAR)):
            blocks, weights = _far_blocks(field, number, int(origin[row]))
            sums = np.cumsum(weights)
            mark = rest[row] * sums[-1]
            chosen = min(int(np.searchsorted(sums, mark, "right")), len(blocks) - 1)
            destination[row] = blocks[chosen]
            attraction = field.attraction[[blocks[chosen]]]
            destination_cell[row] = _pick(attraction, generator.random(1))[0]
    return _Drawn(origin, origin_cell, offset, destination, destination_cell)


def _far_blocks(field: Field, zone: int, origin: int) -> tuple[Integers, Floats]:
    """The blocks of the origin's area and their weights, zero for near ones."""
    lattice = field.lattice
    area = lattice.area[origin]
    blocks = np.arange(lattice.starts[area], lattice.starts[area + 1])
    gap = lattice.position[blocks] - lattice.position[origin]
    far = field.kernels[zone].far
    weights = far[gap[:, 0] % far.shape[0], gap[:, 1] % far.shape[1]]
    return blocks, weights * field.attraction[blocks].sum(axis=1)


def _pick(weights: Floats, uniform: Floats) -> Integers:
    """One column per row in proportion to its weight, by inversion; shape (n,)."""
    sums = np.cumsum(weights, axis=1)
    marks = uniform.astype(sums.dtype) * sums[:, -1]
    chosen = (sums <= marks[:, None]).sum(axis=1)
    return np.asarray(np.minimum(chosen, weights.shape[1] - 1))


def _hours(
    field: Field, origin: Integers, ends: Integers, generator: np.random.Generator
) -> Integers:
    """Hours given block and distance, by inversion at points that fill every stretch evenly.

    Rows are taken in the order of block and octave, and by chance within those; row k gets the
    fractional part of k times the golden ratio, so that any run of rows gets its hours in almost
    exactly the shares they should have.
    """
    area = field.lattice.area[origin]
    bins = field.displacements.bin_of(*offset_m(field.lattice, area, ends / MICRO))
    octave = field.displacements.octave[bins // SECTORS]
    order = np.lexsort((generator.random(len(origin)), octave, origin))
    even = (np.arange(len(origin)) * _GOLDEN + generator.random()) % 1
    hours = np.empty(len(origin), np.int64)
    hours[order] = _pick(field.hour_shares(origin[order], bins[order]), even)
    return hours


def _positions(field: Field, drawn: _Drawn, generator: np.random.Generator) -> Integers:
    """Positions in microdegrees: latitude and longitude of origin and destination, (n, 4)."""
    ends = np.zeros((len(drawn.origin), 4), np.int64)
    left = np.arange(len(drawn.origin))
    for attempt in range(_TRIES):
        # parts that hold no valid pair of positions, slivers at an edge, are drawn again
        if attempt % 8 == 0:
            parts, bound = _parts(field, _some(drawn, left), generator)
        trips = _some(drawn, left)
        tried, accepted = _try(field, trips, parts, bound, generator)
        ends[left[accepted]] = tried[accepted]
        left, parts, bound = left[~accepted], parts[~accepted], bound[~accepted]
        if left.size == 0:
            return ends
    ends[left] = _anywhere(field, drawn.origin[left], generator)
    return ends


def _parts(field: Field, drawn: _Drawn, generator: np.random.Generator) -> tuple[Integers, Floats]:
    """Parts of both ends, shape (n, 2), and the largest density of a displacement between them.

    For far pairs that density is zero: their parts are independent and everything is accepted.
    """
    count = len(drawn.origin)
    parts, bound = np.zeros((count, 2), np.int64), np.zeros(count)
    for number, kernel in enumerate(field.kernels):
        inside = field.lattice.area[drawn.origin] == number
        near = np.flatnonzero(inside & (drawn.offset != FAR))
        some = _some(drawn, near)
        cells = CELL_OFFSET[some.offset, some.origin_cell, some.destination_cell]
        weights = kernel.parts[cells]
        weights *= field.parts[some.destination, some.destination_cell][:, None, :]
        leaving = weights.sum(axis=2) * field.parts[some.origin, some.origin_cell]
        part = _pick(leaving, generator.random(len(near)))
        to_part = _pick(weights[np.arange(len(near)), part], generator.random(len(near)))
        parts[near] = np.stack([part, to_part], axis=1)
        bound[near] = kernel.densest[cells, part, to_part]
    far = np.flatnonzero(drawn.offset == FAR)
    for column, (block, cell) in enumerate(
        ((drawn.origin, drawn.origin_cell), (drawn.destination, drawn.destination_cell))
    ):
        weights = field.parts[block[far], cell[far]]
        parts[far, column] = _pick(weights, generator.random(len(far)))
    return parts, bound


def _try(
    field: Field, drawn: _Drawn, parts: Integers, bound: Floats, generator: np.random.Generator
) -> tuple[Integers, Bools]:
    """One draw of positions in microdegrees, and which of them are accepted."""
    lattice = field.lattice
    area = lattice.area[drawn.origin]
    corners = microdegrees.corners(lattice.boxes)[area]
    ends = np.empty((len(parts), 4), np.int64)
    degrees = np.empty((len(parts), 4))
    for end, (block, cell) in enumerate(
        ((drawn.origin, drawn.origin_cell), (drawn.destination, drawn.destination_cell))
    ):
        edges = lattice.part_edges(block, cell, parts[:, end])
        for axis in range(2):
            low, high = edges[:, axis], edges[:, axis + 2]
            value = low + (high - low) * generator.random(len(parts))
            degrees[:, 2 * end + axis] = value
            ends[:, 2 * end + axis] = microdegrees.rounded(
                value, corners[:, axis], corners[:, axis + 2]
            )
    north, east = offset_m(field.lattice, area, degrees)
    bins = field.displacements.bin_of(north, east)
    squared = north**2 + east**2
    inside = squared >= field.displacements.edges[0] ** 2
    density = field.bins[area, bins] * field.displacements.density[bins] / np.maximum(squared, 1)
    lucky = generator.random(len(parts)) * bound < density
    accepted = (bound == 0) | (inside & lucky)
    accepted &= microdegrees.distance_between(*ends.T) > MIN_DISTANCE_M
    return ends, accepted


def _anywhere(field: Field, origin: Integers, generator: np.random.Generator) -> Integers:
    """Valid ends for the few whose cells hold hardly any: half a box apart, north to south."""
    corners = microdegrees.corners(field.lattice.boxes)[field.lattice.area[origin]]
    south, west, north, east = corners.T
    half = (north - south) // 2
    latitude = south + (generator.random(len(origin)) * (north - south - half)).astype(np.int64)
    longitude = west + (generator.random(len(origin)) * (east - west)).astype(np.int64)
    return np.stack([latitude, longitude, latitude + half, longitude], axis=1)
