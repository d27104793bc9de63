"""What is counted of starts and of ends, and how much of that one ride can change.

Every table counts one kind, and an event adds 1 to one cell of it. A ride has at most one start and
one end, wherever they lie; so it adds 1 to at most one cell of every table, and its contribution to
all tables together is the same whether start and end share a cell or not. Starts and ends are
counted apart because that costs nothing: one table of both, in which a ride within a cell counts
twice, would need as much noise as the sum of two tables has.

Half of the squared budget goes to either kind. A ride over midnight leaves its start to one service
day and its end to the next, and therefore spends half of either day's budget: no more than a ride
within a day spends of one.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from tasks.mobility.areas import held
from tasks.synthesis.grid import HOURS
from tasks.synthesis.trip_field.lattice import CELLS, PARTS, Integers, Lattice
from tasks.synthesis.trip_field.tables import QUARTER_OF_PART, QUARTERS

Kind = Literal["start", "end"]
KINDS: tuple[Kind, Kind] = ("start", "end")

AS_OF_TRIPS = {
    "cells": "ends",
    "blocks": "block_ends",
    "block_hours": "block_hours",
    "area_hours": "area_hours",
    "hours": "hours",
    "quarters": "quarters",
    "sixteenths": "sixteenths",
}
"""What is told apart of either kind, and the table of `trip_field` that tells as much apart."""


@dataclass(frozen=True)
class Events:
    """Starts, or ends, one array of shape (n,) per field.

    Attributes:
        hour: 0 to 23.
        block: Index of the block.
        cell: Its cell in the block.
        part: Its part of the cell.
    """

    hour: Integers
    block: Integers
    cell: Integers
    part: Integers


def events(lattice: Lattice, table: pa.Table, kind: Kind) -> Events:
    """The starts or the ends of a table; other rows are left out.

    A row that is not inside its area, or not in hours 0 to 23, is left out. That is a fixed
    rule on the row itself.

    Args:
        lattice: The public lattice.
        table: Columns kind, hour, latitude, longitude and area as in `tasks.schema.ENDS`.
        kind: Which of them.
    """
    names = {box.name: index for index, box in enumerate(lattice.boxes)}
    is_kind = np.array([value == kind for value in table["kind"].to_pylist()], bool)
    area = np.array([names.get(name, -1) for name in table["area"].to_pylist()], np.int64)
    hour = np.asarray(table["hour"].to_numpy(), np.int64)
    degrees = np.stack([np.asarray(table[n].to_numpy(), float) for n in ("latitude", "longitude")])
    inside = held(lattice.boxes, area, (degrees[0], degrees[1]))
    kept = np.flatnonzero(is_kind & (area >= 0) & (hour >= 0) & (hour < HOURS) & inside)
    return Events(hour[kept], *lattice.place(area[kept], degrees[:, kept].T))


def table_sizes(lattice: Lattice) -> dict[str, int]:
    """For each table its number of cells; an event touches one of them."""
    cells = lattice.blocks * CELLS
    sizes = {
        "cells": cells,
        "blocks": lattice.blocks,
        "block_hours": lattice.blocks * HOURS,
        "area_hours": len(lattice.boxes) * HOURS,
        "hours": HOURS,
        "quarters": cells * QUARTERS,
        "sixteenths": cells * PARTS,
    }
    return {f"{kind}_{name}": size for kind in KINDS for name, size in sizes.items()}


def touched(lattice: Lattice, table: pa.Table) -> dict[str, Integers]:
    """The cell that each start, or each end, adds 1 to in each table, shape (n, 1)."""
    tables = {}
    for kind in KINDS:
        some = events(lattice, table, kind)
        cell = some.block * CELLS + some.cell
        cells = {
            "cells": cell,
            "blocks": some.block,
            "block_hours": some.block * HOURS + some.hour,
            "area_hours": lattice.area[some.block] * HOURS + some.hour,
            "hours": some.hour,
            "quarters": cell * QUARTERS + QUARTER_OF_PART[some.part],
            "sixteenths": cell * PARTS + some.part,
        }
        tables.update({f"{kind}_{name}": values[:, None] for name, values in cells.items()})
    return tables
