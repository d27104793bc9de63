"""How the cells of each measured table lie: where, in which order, and which are hours."""

from dataclasses import dataclass

import numpy as np

from tasks.synthesis.grid import HOURS
from tasks.synthesis.trip_field.lattice import CELLS, Integers, Lattice
from tasks.synthesis.trip_field.tables import table_sizes

BY_AREA = ("area_hours", "area_distances")
"""Tables whose cells lie in an area as a whole."""
BY_NOTHING = ("hours", "distances", "bearings", "hour_octaves")
"""Tables whose cells lie nowhere."""
_BY_PART = ("quarters", "sixteenths")
"""Tables whose cells lie in a cell of the lattice."""


@dataclass(frozen=True)
class Layout:
    """How the cells of a table lie.

    Attributes:
        scales: From small to large places, the index of every cell's place, shape (cells,) each.
        is_hourly: Whether the table's cells are hours, of a place or of a distance.
        whole: The table whose counts are sums of this one's, if there is one.
        summand_of: Cell of that table to which each cell adds, shape (cells,).
    """

    scales: tuple[Integers, ...]
    is_hourly: bool
    whole: str | None
    summand_of: Integers


def layouts(lattice: Lattice) -> dict[str, Layout]:
    """The layout of every table; sums come before their summands.

    Examples:
        >>> from tasks.region import Box
        >>> box = Box(name="town", south=52.3, west=10.6, north=52.4, east=10.7)
        >>> found = layouts(Lattice((box,)))
        >>> [scale[[0, 399, 400, 1599]].tolist() for scale in found["sixteenths"].scales]
        [[0, 24, 25, 99], [0, 0, 1, 3], [0, 0, 0, 0]]
    """
    sizes = table_sizes(lattice)
    coarse_first = sorted(sizes, key=lambda name: (name not in BY_NOTHING, name not in BY_AREA))
    found = {}
    for name in coarse_first:
        cells = sizes[name][0]
        whole, summand_of = _sum(lattice, name, np.arange(cells))
        found[name] = Layout(_scales(lattice, name, cells), "hour" in name, whole, summand_of)
    return found


def _scales(lattice: Lattice, name: str, cells: int) -> tuple[Integers, ...]:
    index = np.arange(cells)
    if name in BY_NOTHING:
        return (np.zeros_like(index),)
    if name in BY_AREA:
        return (index // (cells // len(lattice.boxes)),)
    per_block = cells // lattice.blocks
    block = index // per_block
    finer = (index // (per_block // CELLS),) if name in _BY_PART else ()
    return (*finer, block, lattice.area[block])


def _sum(lattice: Lattice, name: str, index: Integers) -> tuple[str | None, Integers]:
    match name:
        case "block_hours":
            return "area_hours", lattice.area[index // HOURS] * HOURS + index % HOURS
        case "area_hours":
            return "hours", index % HOURS
        case "hour_octaves":
            return "hours", index // (len(index) // HOURS)
        case "area_distances":
            return "distances", index % (len(index) // len(lattice.boxes))
        case _:
            return None, index
