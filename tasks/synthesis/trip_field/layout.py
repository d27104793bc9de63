"""How the cells of each measured table lie: where, in which order, and which are hours."""

from dataclasses import dataclass

import numpy as np

from tasks.synthesis.grid import HOURS
from tasks.synthesis.trip_field.lattice import CELLS, Floats, Integers, Lattice
from tasks.synthesis.trip_field.tables import table_sizes

BY_AREA = ("area_hours", "area_distances", "hour_octaves")
"""Tables whose cells lie in an area as a whole."""
BY_NOTHING = ("hours", "distances", "bearings")
"""Tables whose cells lie nowhere."""
PLACED = "ends"
"""The table that tells best where a day is unusual."""
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
        within: The smallest places that the cells lie in, as of `by_place`; one or, for flows, two,
            shape (cells,) each.
    """

    scales: tuple[Integers, ...]
    is_hourly: bool
    whole: str | None
    summand_of: Integers
    within: tuple[Integers, ...]


def layouts(lattice: Lattice) -> dict[str, Layout]:
    """The layout of every table: first `PLACED`, and sums before their summands.

    Examples:
        >>> from tasks.region import Box
        >>> box = Box(name="town", south=52.3, west=10.6, north=52.4, east=10.7)
        >>> found = layouts(Lattice((box,)))
        >>> [scale[[0, 399, 400, 1599]].tolist() for scale in found["sixteenths"].scales]
        [[0, 24, 25, 99], [0, 0, 1, 3], [0, 0, 0, 0]]
    """
    sizes = table_sizes(lattice)
    order = (PLACED, *BY_NOTHING, *BY_AREA)
    coarse_first = sorted(sizes, key=lambda name: order.index(name) if name in order else 99)
    found = {}
    for name in coarse_first:
        cells = sizes[name][0]
        whole, summand_of = _sum(lattice, name, np.arange(cells))
        found[name] = Layout(
            scales=_scales(lattice, name, cells),
            is_hourly="hour" in name,
            whole=whole,
            summand_of=summand_of,
            within=_within(lattice, name, np.arange(cells)),
        )
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


def by_place(lattice: Lattice, block: Integers, values: Floats) -> Floats:
    """Sums of values over all places.

    Args:
        lattice: The public lattice.
        block: In which block each value is, shape (n,).
        values: Shape (n,).

    Returns:
        Of every block, of nowhere (0), of every area and of all, shape (blocks + areas + 2,).
    """
    blocks = np.bincount(block, values, lattice.blocks)
    areas = np.bincount(lattice.area, blocks, len(lattice.boxes))
    return np.concatenate([blocks, [0.0], areas, [values.sum()]])


def _within(lattice: Lattice, name: str, index: Integers) -> tuple[Integers, ...]:
    areas = len(lattice.boxes)
    if name in BY_NOTHING:
        return (np.full_like(index, lattice.blocks + areas + 1),)
    if name in BY_AREA:
        return (lattice.blocks + 1 + index // (len(index) // areas),)
    block = index // (len(index) // lattice.blocks)
    if name != "flows":
        return (block,)
    nowhere = np.full((1, lattice.blocks), lattice.blocks)
    return block, np.concatenate([lattice.neighbours, nowhere]).T.ravel()


def _sum(lattice: Lattice, name: str, index: Integers) -> tuple[str | None, Integers]:
    match name:
        case "block_hours":
            return "area_hours", lattice.area[index // HOURS] * HOURS + index % HOURS
        case "area_hours":
            return "hours", index % HOURS
        case "hour_octaves":
            return "area_hours", index // (len(index) // (len(lattice.boxes) * HOURS))
        case "area_distances":
            return "distances", index % (len(index) // len(lattice.boxes))
        case _:
            return None, index
