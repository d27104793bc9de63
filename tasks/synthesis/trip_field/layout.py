"""Where the cells of each measured table lie: which of them are neighbours, and which are hours."""

from dataclasses import dataclass

import numpy as np

from tasks.synthesis.trip_field.lattice import CELLS, Integers, Lattice
from tasks.synthesis.trip_field.tables import table_sizes

BY_AREA = ("area_hours", "area_distances")
"""Tables whose cells lie in an area as a whole."""
BY_NOTHING = ("hours", "distances", "bearings", "hour_octaves")
"""Tables whose cells lie nowhere."""
BY_PART = ("quarters", "sixteenths")
"""Tables whose cells lie in a cell of the lattice."""


@dataclass(frozen=True)
class Layout:
    """Where the cells of a table lie.

    Attributes:
        scales: From small to large places, the index of every cell's place, shape (cells,) each.
        is_hourly: Whether the table's cells are hours, of a place or of a distance.
    """

    scales: tuple[Integers, ...]
    is_hourly: bool


def layouts(lattice: Lattice) -> dict[str, Layout]:
    """The layout of every table.

    Examples:
        >>> from tasks.region import Box
        >>> box = Box(name="town", south=52.3, west=10.6, north=52.4, east=10.7)
        >>> found = layouts(Lattice((box,)))
        >>> [scale[[0, 399, 400, 1599]].tolist() for scale in found["sixteenths"].scales]
        [[0, 24, 25, 99], [0, 0, 1, 3], [0, 0, 0, 0]]
    """
    return {
        name: Layout(_scales(lattice, name, cells), "hour" in name)
        for name, (cells, _) in table_sizes(lattice).items()
    }


def _scales(lattice: Lattice, name: str, cells: int) -> tuple[Integers, ...]:
    index = np.arange(cells)
    if name in BY_NOTHING:
        return (np.zeros_like(index),)
    if name in BY_AREA:
        return (index // (cells // len(lattice.boxes)),)
    per_block = cells // lattice.blocks
    block = index // per_block
    finer = (index // (per_block // CELLS),) if name in BY_PART else ()
    return (*finer, block, lattice.area[block])
