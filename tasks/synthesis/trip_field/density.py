"""The density of a field at trips, in closed form but where the outline of an area cuts parts."""

import numpy as np
import pyarrow as pa

from tasks.synthesis.trip_field.cut import crowding
from tasks.synthesis.trip_field.field import Field
from tasks.synthesis.trip_field.geometry import CELL_OFFSET
from tasks.synthesis.trip_field.lattice import FAR, METRES_PER_DEGREE, SPLIT, Floats, Places
from tasks.synthesis.trip_field.tables import offset_m

_ROWS_AT_ONCE = 16_384


def log_density(field: Field, trips: pa.Table) -> Floats:
    """The logarithm of the density at each trip; rows that are no trips are left out.

    Returns:
        Nats, with respect to hour x degrees^4, shape (trips,).
    """
    places = field.lattice.encode(trips)
    parts = [
        _log_density(field, _some(places, slice(first, first + _ROWS_AT_ONCE)))
        for first in range(0, len(places.row), _ROWS_AT_ONCE)
    ]
    return np.concatenate([np.zeros(0), *parts])


def _some(places: Places, rows: slice) -> Places:
    return Places(**{name: values[rows] for name, values in vars(places).items()})


def _log_density(field: Field, places: Places) -> Floats:
    lattice = field.lattice
    origin, destination = places.origin, places.destination
    offset = lattice.offset(origin, destination)
    area = lattice.area[origin]
    ends = (
        field.origin[origin, places.origin_cell].astype(np.float64)
        * field.attraction[destination, places.destination_cell]
        * field.pair[offset, origin]
        / field.total
    )
    for block, cell, part in (
        (origin, places.origin_cell, places.origin_part),
        (destination, places.destination_cell, places.destination_part),
    ):
        ends *= field.parts[block, cell, part] / lattice.cover[block, cell, part]
    square_m = (lattice.cell_height_m / SPLIT) ** 2 * lattice.aspect[area]
    density = np.where(offset == FAR, 1 / square_m, 1.0) / square_m
    for number, kernel in enumerate(field.kernels):
        inside = area == number
        far, near = (np.flatnonzero(inside & ((offset == FAR) == flag)) for flag in (True, False))
        gap = lattice.position[destination[far]] - lattice.position[origin[far]]
        map_shape = kernel.far.shape
        density[far] *= kernel.far[gap[:, 0] % map_shape[0], gap[:, 1] % map_shape[1]]
        cell = kernel.near[offset[near], places.origin_cell[near], places.destination_cell[near]]
        offsets = CELL_OFFSET[offset[near], places.origin_cell[near], places.destination_cell[near]]
        both = np.einsum(
            "nod,no,nd->n",
            kernel.parts[offsets],
            field.parts[origin[near], places.origin_cell[near]],
            field.parts[destination[near], places.destination_cell[near]],
        )
        density[near] *= cell / np.maximum(both, 1e-300)
        landing = kernel.parts[offsets, places.origin_part[near], places.destination_part[near]]
        density[near] /= crowding(
            field,
            np.stack([origin, places.origin_cell, places.origin_part], axis=1)[near],
            np.stack([destination, places.destination_cell, places.destination_part], axis=1)[near],
            landing / square_m[near],
        )
    north, east = offset_m(lattice, area, places.degrees)
    bins = field.displacements.bin_of(north, east)
    hours = field.hour_shares(origin, bins)[np.arange(len(bins)), places.hour]
    near = offset != FAR
    squared = np.maximum(north**2 + east**2, field.displacements.edges[0] ** 2)
    local = field.local[area, bins] * field.displacements.density[bins] / squared
    density[near] *= local[near]
    east_per_degree = lattice.aspect * lattice.columns_per_degree / lattice.cells_per_degree
    metres = METRES_PER_DEGREE**2 * east_per_degree[area]
    return np.asarray(np.log(ends) + np.log(hours) + np.log(density) + 2 * np.log(metres))
