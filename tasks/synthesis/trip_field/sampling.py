"""Rows drawn from a field: systematically, so that they vary little more than they must.

Trips are laid out along a line in the order of origin block, origin cell and offset, each as long
as its share, and the line is cut at equal distances from one uniform start: every stretch of it
gets as many rows as it has trips, give or take one. What is left of each cut says which cell of
the destination is meant. Parts of cells are drawn from the finer density, and positions by
acceptance: ends in parts that touch are drawn by their displacement, accepted in proportion to
the room it leaves; others uniformly, accepted in proportion to the displacement's density. What
leaves the polygons of an area is drawn again. Hours follow from where a trip begins and how far it
goes.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa

from tasks.synthesis import microdegrees
from tasks.synthesis.grid import Columns
from tasks.synthesis.microdegrees import MICRO
from tasks.synthesis.sampling import release_table
from tasks.synthesis.systematic import pick, pick_evenly, pick_of, runs, systematic
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

T = TypeVar("T", "_Drawn", "_Proposal")

_ROWS_AT_ONCE = 262_144
_TRIED_AT_ONCE = 16_384
"""Draws of positions at a time where few trips are left: the first that is accepted counts."""
_TRIES = 1024
_REDRAW = 256
"""Tries for one pair of parts; those that hold hardly any valid trip are drawn again after them."""
_WHOLE = 1 - 1e-9


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


def _some(arrays: T, rows: slice | Integers | Bools) -> T:
    """Some rows of every array of a dataclass."""
    return type(arrays)(**{name: values[rows] for name, values in vars(arrays).items()})


def _cells(field: Field, rows: int, generator: np.random.Generator) -> _Drawn:
    """Cells of origins and destinations by systematic sampling."""
    index, rest = systematic(field.flows.ravel(), rows, generator)
    block_cell, offset = np.divmod(index, FAR + 1)
    origin, origin_cell = np.divmod(block_cell, CELLS)
    destination, destination_cell = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    padded = np.concatenate([field.lattice.neighbours, np.zeros((1, field.lattice.blocks), int)])
    for number, kernel in enumerate(field.kernels):
        inside = field.lattice.area[origin] == number
        near = np.flatnonzero(inside & (offset != FAR))
        destination[near] = padded[offset[near], origin[near]]
        first, run = runs(index[near])
        start = near[first]
        weights = kernel.near[offset[start], origin_cell[start]]
        weights = weights * field.attraction[destination[start]]
        destination_cell[near] = pick_of(weights, run, rest[near])
        far = np.flatnonzero(inside & (offset == FAR))
        first, _ = runs(origin[far])
        for marked in np.split(far, first[1:]) if far.size else ():
            blocks, weights = _far_blocks(field, number, int(origin[marked[0]]))
            sums = np.cumsum(weights)
            chosen = np.searchsorted(sums, rest[marked] * sums[-1], "right")
            destination[marked] = blocks[np.minimum(chosen, len(blocks) - 1)]
        attraction = field.attraction[destination[far]]
        destination_cell[far] = pick(attraction, generator.random(far.size))
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


def _hours(
    field: Field, origin: Integers, ends: Integers, generator: np.random.Generator
) -> Integers:
    """Hours given block and distance, as even as can be among rows of one block and octave."""
    area = field.lattice.area[origin]
    bins = field.displacements.bin_of(*offset_m(field.lattice, area, ends / MICRO))
    octave = field.displacements.octave[bins // SECTORS]
    return pick_evenly(
        origin * field.displacements.octaves + octave,
        lambda rows: field.hour_shares(origin[rows], bins[rows]),
        generator,
    )


@dataclass(frozen=True)
class _Proposal:
    """What positions are drawn from, one array of shape (n, ...) per field.

    Attributes:
        parts: Parts of both ends, shape (n, 2).
        bound: Largest density per square metre of a displacement between them; zero for far
            pairs, whose parts are independent and whose positions are all accepted.
        bin: Bin of the displacement for parts that touch, else -1.
        around: For parts that touch and are cut by the edge of the area, how they touch, else -1:
            their bins are drawn again with every try, for less of a bin fits than between whole
            parts.
        edges: South, west, north and east of the parts of both ends, degrees, shape (n, 2, 4).
    """

    parts: Integers
    bound: Floats
    bin: Integers
    around: Integers
    edges: Floats


def _positions(field: Field, drawn: _Drawn, generator: np.random.Generator) -> Integers:
    """Positions in microdegrees: latitude and longitude of origin and destination, (n, 4)."""
    ends = np.zeros((len(drawn.origin), 4), np.int64)
    left, tries = np.arange(len(drawn.origin)), 0
    while left.size and tries < _TRIES:
        if tries % _REDRAW == 0:
            proposal = _proposal(field, _some(drawn, left), generator)
        times = min(max(_TRIED_AT_ONCE // left.size, 1), _REDRAW - tries % _REDRAW)
        again = np.repeat(np.arange(left.size), times)
        tried, accepted = _try(field, _some(drawn, left[again]), _some(proposal, again), generator)
        accepted = accepted.reshape(-1, times)
        found = accepted.any(axis=1)
        first = accepted[found].argmax(axis=1)
        ends[left[found]] = tried.reshape(-1, times, 4)[found, first]
        left, proposal, tries = left[~found], _some(proposal, ~found), tries + times
    if left.size:
        area = field.lattice.area[drawn.origin[left]]
        ends[left] = microdegrees.anywhere(field.lattice.boxes, area, generator)
    return ends


def _proposal(field: Field, drawn: _Drawn, generator: np.random.Generator) -> _Proposal:
    """Parts of both ends and, where they touch, the bin of the displacement."""
    count = len(drawn.origin)
    parts, bound = np.zeros((count, 2), np.int64), np.zeros(count)
    bins, around = np.full(count, -1), np.full(count, -1)
    for number, kernel in enumerate(field.kernels):
        inside = field.lattice.area[drawn.origin] == number
        near = np.flatnonzero(inside & (drawn.offset != FAR))
        some = _some(drawn, near)
        cells = CELL_OFFSET[some.offset, some.origin_cell, some.destination_cell]
        arriving = field.parts[some.destination, some.destination_cell]
        leaving = _reaching(kernel.parts, cells, arriving)
        leaving *= field.parts[some.origin, some.origin_cell]
        part = pick(leaving, generator.random(len(near)))
        to_part = pick(kernel.parts[cells, part] * arriving, generator.random(len(near)))
        parts[near] = np.stack([part, to_part], axis=1)
        bound[near] = kernel.densest[cells, part, to_part]
        touching = kernel.touching[cells, part, to_part]
        close = np.flatnonzero(touching >= 0)
        bins[near[close]] = pick_of(kernel.near_bins, touching[close], generator.random(len(close)))
        cover = np.minimum(
            field.lattice.cover[some.origin, some.origin_cell, part],
            field.lattice.cover[some.destination, some.destination_cell, to_part],
        )
        around[near] = np.where(cover < _WHOLE, touching, -1)
    far = np.flatnonzero(drawn.offset == FAR)
    for column, (block, cell) in enumerate(
        ((drawn.origin, drawn.origin_cell), (drawn.destination, drawn.destination_cell))
    ):
        weights = field.parts[block[far], cell[far]]
        parts[far, column] = pick(weights, generator.random(len(far)))
    edges = np.stack(
        [
            field.lattice.part_edges(drawn.origin, drawn.origin_cell, parts[:, 0]),
            field.lattice.part_edges(drawn.destination, drawn.destination_cell, parts[:, 1]),
        ],
        axis=1,
    )
    return _Proposal(parts, bound, bins, around, edges)


def _reaching(between: Floats, cells: Integers, arriving: Floats) -> Floats:
    """Weight of each part of the origin's cell, summed over the parts it may reach, (n, PARTS).

    Args:
        between: Probability of landing by flat offset of cells, (offsets, PARTS, PARTS).
        cells: Flat offset of each trip, shape (n,).
        arriving: Weight of each part of the destination's cell, shape (n, PARTS).
    """
    reaching = np.empty_like(arriving)
    order = np.argsort(cells, kind="stable")
    first, _ = runs(cells[order])
    for rows in np.split(order, first[1:]) if order.size else ():
        reaching[rows] = arriving[rows] @ between[cells[rows[0]]].T
    return reaching


def _try(
    field: Field, drawn: _Drawn, proposal: _Proposal, generator: np.random.Generator
) -> tuple[Integers, Bools]:
    """One draw of positions in microdegrees, and which of them are accepted."""
    area = field.lattice.area[drawn.origin]
    degrees, accepted = np.empty((len(area), 4)), np.empty(len(area), bool)
    for way, rows in ((_try_apart, proposal.bin < 0), (_try_touching, proposal.bin >= 0)):
        some = _some(drawn, rows), _some(proposal, rows)
        degrees[rows], accepted[rows] = way(field, *some, generator)
    corners = microdegrees.corners(field.lattice.boxes)[area]
    low, high = np.tile(corners[:, :2], 2), np.tile(corners[:, 2:], 2)
    ends = microdegrees.rounded(degrees, low, high)
    accepted &= microdegrees.are_trips(field.lattice.boxes, area, ends)
    return ends, accepted


def _try_apart(
    field: Field, drawn: _Drawn, proposal: _Proposal, generator: np.random.Generator
) -> tuple[Floats, Bools]:
    """Both ends uniform in their parts, accepted by the density of the displacement."""
    edges = proposal.edges
    size = edges[..., 2:] - edges[..., :2]
    degrees = (edges[..., :2] + size * generator.random(size.shape)).reshape(-1, 4)
    area = field.lattice.area[drawn.origin]
    north, east = offset_m(field.lattice, area, degrees)
    bins = field.displacements.bin_of(north, east)
    squared = north**2 + east**2
    density = field.local[area, bins] * field.displacements.density[bins] / np.maximum(squared, 1)
    lucky = generator.random(len(area)) * proposal.bound < density
    inside = squared >= field.displacements.edges[0] ** 2
    return degrees, (proposal.bound == 0) | (inside & lucky)


def _bins_of_try(
    field: Field, area: Integers, proposal: _Proposal, generator: np.random.Generator
) -> Integers:
    """The proposal's bins, but for parts that are cut another of those that may fit."""
    bins = proposal.bin.copy()
    for number, kernel in enumerate(field.kernels):
        rows = np.flatnonzero((area == number) & (proposal.around >= 0))
        may_fit = (kernel.near_bins > 0) * field.local[number]
        bins[rows] = pick_of(may_fit, proposal.around[rows], generator.random(len(rows)))
    return bins


def _try_touching(
    field: Field, drawn: _Drawn, proposal: _Proposal, generator: np.random.Generator
) -> tuple[Floats, Bools]:
    """A displacement of the bin, accepted by the room it leaves, and an origin in that room."""
    lattice, bins = field.lattice, field.displacements
    area = lattice.area[drawn.origin]
    ring, sector = np.divmod(_bins_of_try(field, area, proposal, generator), SECTORS)
    near, far = bins.edges[ring], bins.edges[ring + 1]
    radius = near * (far / near) ** generator.random(len(area))
    angle = (sector + generator.random(len(area))) * (2 * np.pi / SECTORS)
    origin, destination = proposal.edges[:, 0], proposal.edges[:, 1]
    unit = np.stack(offset_m(lattice, area, np.tile([0.0, 0, 1, 1], (len(area), 1))), axis=1)
    gap = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1) / unit
    low = np.maximum(origin[:, :2], destination[:, :2] - gap)
    room = np.minimum(origin[:, 2:], destination[:, 2:] - gap) - low
    start = low + room * generator.random(room.shape)
    whole = 1 / lattice.parts_per_degree[area]
    share = np.clip(room / whole, 0, 1).prod(axis=1)
    return np.concatenate([start, start + gap], axis=1), generator.random(len(area)) < share
