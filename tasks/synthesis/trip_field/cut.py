"""How much denser close pairs of parts are where the outline of an area cuts them.

The kernel between two parts is a mean over all of both. Where an outline leaves a piece of a part,
the mean over the pieces is another: pieces on two sides of one line lie closer together than the
parts do.
"""

import numpy as np

from tasks.mobility.areas import holds
from tasks.synthesis.trip_field.field import Field
from tasks.synthesis.trip_field.lattice import Bools, Floats, Integers
from tasks.synthesis.trip_field.tables import offset_m

_NODES = 48
"""Positions in a piece, at most."""
_TRIED = 256
"""Positions in a part, of which those in the piece are taken: points of a sequence that fills a
square evenly (Roberts 2018, R2)."""
_STEPS = (0.7548776662466927, 0.5698402909980532)
_CLOSE = 15
"""Parts further apart than so many rows or columns count as whole: of random fields, pieces of a
fifth of a part that are 16 apart were 11 per cent off."""
_PAIRS_AT_ONCE = 512


def crowding(field: Field, origin: Integers, destination: Integers, whole: Floats) -> Floats:
    """The mean density between the pieces of two parts over that between the whole parts.

    Args:
        field: The field.
        origin: Block, cell and part, shape (n, 3).
        destination: Likewise, in the same area.
        whole: Mean density between the whole parts, per square metre, shape (n,).

    Returns:
        Shape (n,), by quadrature; 1 where neither part is cut, or both are not close.
    """
    factor = np.ones(len(origin))
    lattice = field.lattice
    cover = lattice.cover[tuple(origin.T)], lattice.cover[tuple(destination.T)]
    gap = np.abs(lattice.row_and_column(destination) - lattice.row_and_column(origin)).max(axis=1)
    cut = np.flatnonzero((np.minimum(*cover) < 1) & (gap <= _CLOSE))
    pairs, which = np.unique(
        np.concatenate([origin[cut], destination[cut]], axis=1), axis=0, return_inverse=True
    )
    means = [
        _mean_density(field, pairs[first : first + _PAIRS_AT_ONCE])
        for first in range(0, len(pairs), _PAIRS_AT_ONCE)
    ]
    pieces = np.concatenate([np.zeros(0), *means])[which.ravel()]
    known = (pieces > 0) & (whole[cut] > 0)
    factor[cut[known]] = pieces[known] / whole[cut[known]]
    return factor


def _mean_density(field: Field, pairs: Integers) -> Floats:
    """Between the pieces of pairs of parts; zero where none of the positions tried is in them."""
    area = field.lattice.area[pairs[:, 0]]
    starts, is_start = _nodes(field, area, pairs[:, :3], 0)
    ends, is_end = _nodes(field, area, pairs[:, 3:], _TRIED)
    row, start, end = np.nonzero(is_start[:, :, None] & is_end[:, None, :])
    both = np.concatenate([starts[row, start], ends[row, end]], axis=1)
    total = np.bincount(row, _density(field, area[row], both), len(pairs))
    return np.asarray(total / np.maximum(np.bincount(row, minlength=len(pairs)), 1))


def _nodes(field: Field, area: Integers, parts: Integers, first: int) -> tuple[Floats, Bools]:
    """Positions in pieces of parts, shape (n, nodes, 2), and which are meant, (n, nodes)."""
    inner = (np.arange(first, first + _TRIED)[:, None] + 0.5) * _STEPS % 1
    nodes = field.lattice.row_and_column(parts)[:, None] + inner
    nodes /= field.lattice.parts_per_degree[area][:, None]
    inside = np.zeros(nodes.shape[:2], bool)
    for index in np.unique(area):
        rows = area == index
        latitude, longitude = nodes[rows].reshape(-1, 2).T
        held = holds(field.lattice.boxes[index], latitude, longitude)
        inside[rows] = held.reshape(-1, _TRIED)
    kept = np.argsort(~inside, axis=1, kind="stable")[:, :_NODES]
    return np.take_along_axis(nodes, kept[..., None], 1), np.take_along_axis(inside, kept, 1)


def _density(field: Field, area: Integers, degrees: Floats) -> Floats:
    """The local density of displacements, per square metre; none under 100 m."""
    north, east = offset_m(field.lattice, area, degrees)
    bins = field.displacements.bin_of(north, east)
    squared = north**2 + east**2
    least = field.displacements.edges[0] ** 2
    density = field.local[area, bins] * field.displacements.density[bins]
    return np.where(squared >= least, density / np.maximum(squared, least), 0)
