"""What is counted: for each table its size, and the cells that a trip touches.

A trip touches each table by itself: what is counted for a day is the sum over its trips. Where both
ends are counted in one table, a trip whose ends share a cell is counted there once, so that no trip
moves the table by more than the square root of 2.
"""

import numpy as np

from tasks.synthesis.grid import HOURS
from tasks.synthesis.trip_field.kernel import SECTORS, Displacements
from tasks.synthesis.trip_field.lattice import (
    CELLS,
    FAR,
    PARTS,
    SPLIT,
    Floats,
    Integers,
    Lattice,
    Places,
)
from tasks.synthesis.trip_field.lattice import METRES_PER_DEGREE as METRES

Sizes = dict[str, tuple[int, int]]
"""For each table the number of cells, and how many different cells a trip touches."""

QUARTERS = 4
QUARTER_OF_PART = np.array(
    [part // SPLIT // 2 * 2 + part % SPLIT // 2 for part in range(PARTS)], np.int64
)
"""The quarter of the cell in which each part lies."""


def displacements(lattice: Lattice) -> Displacements:
    """The bins of displacements within a lattice."""
    return Displacements(lattice.grid.distance_edges)


def table_sizes(lattice: Lattice) -> Sizes:
    """The size of every table on a lattice."""
    bins = displacements(lattice)
    return sizes_of(lattice.blocks, len(lattice.boxes), bins.distances, bins.octaves)


def sizes_of(blocks: int, areas: int, distances: int, octaves: int) -> Sizes:
    """The size of every table, from the numbers of what is told apart."""
    cells = blocks * CELLS
    return {
        "ends": (cells, 2),
        "block_ends": (blocks, 2),
        "origins": (cells, 1),
        "block_hours": (blocks * HOURS, 1),
        "area_hours": (areas * HOURS, 1),
        "hours": (HOURS, 1),
        "flows": (blocks * (FAR + 1), 1),
        "area_distances": (areas * distances, 1),
        "distances": (distances, 1),
        "bearings": (octaves * SECTORS, 1),
        "hour_octaves": (areas * HOURS * octaves, 1),
        "quarters": (cells * QUARTERS, 2),
        "sixteenths": (cells * PARTS, 2),
    }


def touched(lattice: Lattice, places: Places) -> dict[str, Integers]:
    """The cells that each trip adds 1 to in each table, shape (n, 1) or (n, 2); -1 is none."""
    bins = displacements(lattice)
    area = lattice.area[places.origin]
    distance, bearing = np.divmod(bins.bin_of(*offset_m(lattice, area, places.degrees)), SECTORS)
    origin = places.origin * CELLS + places.origin_cell
    destination = places.destination * CELLS + places.destination_cell
    offset = lattice.offset(places.origin, places.destination)
    octave = bins.octave[distance]
    return {
        "ends": _both(origin, destination),
        "block_ends": _both(places.origin, places.destination),
        "origins": origin[:, None],
        "block_hours": (places.origin * HOURS + places.hour)[:, None],
        "area_hours": (area * HOURS + places.hour)[:, None],
        "hours": places.hour[:, None],
        "flows": (places.origin * (FAR + 1) + offset)[:, None],
        "area_distances": (area * bins.distances + distance)[:, None],
        "distances": distance[:, None],
        "bearings": (octave * SECTORS + bearing)[:, None],
        "hour_octaves": ((area * HOURS + places.hour) * bins.octaves + octave)[:, None],
        "quarters": _both(
            origin * QUARTERS + QUARTER_OF_PART[places.origin_part],
            destination * QUARTERS + QUARTER_OF_PART[places.destination_part],
        ),
        "sixteenths": _both(
            origin * PARTS + places.origin_part, destination * PARTS + places.destination_part
        ),
    }


def offset_m(lattice: Lattice, area: Integers, degrees: Floats) -> tuple[Floats, Floats]:
    """Metres north and east from origins to destinations, in the plane of their area.

    Args:
        lattice: The lattice.
        area: Area of each trip, shape (n,).
        degrees: Latitude and longitude of origin and destination, shape (n, 4).
    """
    ratio = lattice.aspect * lattice.columns_per_degree / lattice.cells_per_degree
    gap = (degrees[:, 2:] - degrees[:, :2]) * METRES
    return gap[:, 0], gap[:, 1] * ratio[area]


def _both(origin: Integers, destination: Integers) -> Integers:
    return np.stack([origin, np.where(destination == origin, -1, destination)], axis=1)
