"""The noisy counts as a table for people: every count with its place, hour, distance, noise."""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from tasks.schema import MEASUREMENTS, Table
from tasks.synthesis.grid import BINS_PER_OCTAVE, HOURS
from tasks.synthesis.trip_field.kernel import SECTORS
from tasks.synthesis.trip_field.lattice import (
    CELLS,
    FAR,
    PARTS,
    SIDE,
    SPLIT,
    Floats,
    Integers,
    Lattice,
)
from tasks.synthesis.trip_field.measurements import Measurements
from tasks.synthesis.trip_field.tables import QUARTERS, displacements

_BLOCK = SIDE * SPLIT
"""Parts along the side of a block."""
_EDGES = ("south", "west", "north", "east")

Columns = dict[str, Floats]


def measured_table(measurements: Measurements) -> pa.Table:
    """Every noisy count; places wholly outside the boxes of the service area are left out.

    Returns:
        Columns of `tasks.schema.MEASUREMENTS`, in the order of the tables and their cells.
    """
    lattice = measurements.plan.lattice
    return pa.concat_tables(
        counted_table(
            MEASUREMENTS, lattice, table.name, table.name, *measurements.estimate(table.name)
        )
        for table in measurements.plan.mechanism.tables
    )


def counted_table(
    schema: Table, lattice: Lattice, name: str, cells: str, counts: Floats, stddev: float
) -> pa.Table:
    """One table of noisy counts, a row each.

    Args:
        schema: Its columns are those of `tasks.schema.MEASUREMENTS`, or some of them.
        lattice: The public lattice.
        name: What is counted.
        cells: The table of this synthesizer whose cells are told apart in it.
        counts: Noisy counts, shape (cells,).
        stddev: Standard deviation of their noise.
    """
    columns = _CELLS[cells](lattice, np.arange(len(counts)))
    inside = np.ones(len(counts), bool)
    if "south" in columns:
        inside = (columns["south"] < columns["north"]) & (columns["west"] < columns["east"])
    area = columns.pop("area", None)
    columns |= {"count": counts, "stddev": np.full(len(counts), stddev)}
    names = pa.array([box.name for box in lattice.boxes])
    number = int(inside.sum())
    values: dict[str, pa.Array] = {"counted": pa.repeat(name, number)}
    if area is not None:
        values["area"] = names.take(pa.array(area[inside].astype(np.int64)))
    for column in schema.columns:
        if column.name in columns:
            found = columns[column.name][inside]
            values[column.name] = pa.array(found, mask=np.isnan(found)).cast(column.type)
        elif column.name not in values:
            values[column.name] = pa.nulls(number, column.type)
    return pa.table([values[column] for column in schema.names], schema=schema.arrow())


def _edges(
    lattice: Lattice, block: Integers, row: Integers, column: Integers, side: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """South, west, north and east of squares of parts of blocks, cut at the area's box."""
    area = lattice.area[block]
    parts = np.stack([row, column], axis=1)
    parts = parts + (lattice.block_ranges[area, ::2] + lattice.position[block]) * _BLOCK
    per_degree = lattice.parts_per_degree[area]
    corners = np.array([(box.south, box.west, box.north, box.east) for box in lattice.boxes])[area]
    low = np.maximum(parts / per_degree, corners[:, :2])
    high = np.minimum((parts + side) / per_degree, corners[:, 2:])
    return low[:, 0], low[:, 1], high[:, 0], high[:, 1]


def _place(
    lattice: Lattice, block: Integers, row: Integers, column: Integers, side: int
) -> Columns:
    edges = zip(_EDGES, _edges(lattice, block, row, column, side), strict=True)
    return {"area": lattice.area[block].astype(float), **dict(edges)}


def _blocks(lattice: Lattice, block: Integers) -> Columns:
    return _place(lattice, block, np.zeros_like(block), np.zeros_like(block), _BLOCK)


def _cells(lattice: Lattice, index: Integers) -> Columns:
    block, cell = np.divmod(index, CELLS)
    row, column = np.divmod(cell, SIDE)
    return _place(lattice, block, row * SPLIT, column * SPLIT, SPLIT)


def _quarters(lattice: Lattice, index: Integers) -> Columns:
    cell, quarter = np.divmod(index, QUARTERS)
    return _within_cell(lattice, cell, *np.divmod(quarter, 2), SPLIT // 2)


def _parts(lattice: Lattice, index: Integers) -> Columns:
    cell, part = np.divmod(index, PARTS)
    return _within_cell(lattice, cell, *np.divmod(part, SPLIT), 1)


def _within_cell(
    lattice: Lattice, index: Integers, row: Integers, column: Integers, side: int
) -> Columns:
    block, cell = np.divmod(index, CELLS)
    of_cell = np.divmod(cell, SIDE)
    rows, columns = (
        first * SPLIT + inner * side for first, inner in zip(of_cell, (row, column), strict=True)
    )
    return _place(lattice, block, rows, columns, side)


def _hours(lattice: Lattice, index: Integers) -> Columns:
    return {"hour": index.astype(float)}


def _block_hours(lattice: Lattice, index: Integers) -> Columns:
    block, hour = np.divmod(index, HOURS)
    return {**_blocks(lattice, block), **_hours(lattice, hour)}


def _area_hours(lattice: Lattice, index: Integers) -> Columns:
    area, hour = np.divmod(index, HOURS)
    return {"area": area.astype(float), **_hours(lattice, hour)}


def _flows(lattice: Lattice, index: Integers) -> Columns:
    """Pairs of near blocks; pairs with no second block were never counted, so they are noise."""
    block, offset = np.divmod(index, FAR + 1)
    padded = np.concatenate([lattice.neighbours, np.full((1, lattice.blocks), lattice.blocks)])
    to = padded[offset, block]
    there = to < lattice.blocks
    zero = np.zeros_like(to)
    edges = _edges(lattice, np.where(there, to, 0), zero, zero, _BLOCK)
    columns = _blocks(lattice, block)
    for name, values in zip(_EDGES, edges, strict=True):
        columns[f"to_{name}"] = np.where(there, values, np.nan)
    # no such pair: outside, like a place outside the area
    columns["north"] = np.where(there | (offset == FAR), columns["north"], columns["south"])
    return columns


def _distances(lattice: Lattice, index: Integers) -> Columns:
    edges = displacements(lattice).edges
    return {"from_m": edges[index], "to_m": edges[index + 1]}


def _area_distances(lattice: Lattice, index: Integers) -> Columns:
    area, distance = np.divmod(index, displacements(lattice).distances)
    return {"area": area.astype(float), **_distances(lattice, distance)}


def _octaves(lattice: Lattice, octave: Integers) -> Columns:
    edges = displacements(lattice).edges
    last = np.minimum((octave + 1) * BINS_PER_OCTAVE, len(edges) - 1)
    return {"from_m": edges[octave * BINS_PER_OCTAVE], "to_m": edges[last]}


def _bearings(lattice: Lattice, index: Integers) -> Columns:
    octave, sector = np.divmod(index, SECTORS)
    degrees = 360 / SECTORS
    return {
        **_octaves(lattice, octave),
        "from_degrees": sector * degrees,
        "to_degrees": (sector + 1) * degrees,
    }


def _hour_octaves(lattice: Lattice, index: Integers) -> Columns:
    area_hour, octave = np.divmod(index, displacements(lattice).octaves)
    return {**_area_hours(lattice, area_hour), **_octaves(lattice, octave)}


_CELLS: Mapping[str, Callable[[Lattice, Integers], Columns]] = {
    "ends": _cells,
    "block_ends": _blocks,
    "origins": _cells,
    "block_hours": _block_hours,
    "area_hours": _area_hours,
    "hours": _hours,
    "flows": _flows,
    "area_distances": _area_distances,
    "distances": _distances,
    "bearings": _bearings,
    "hour_octaves": _hour_octaves,
    "quarters": _quarters,
    "sixteenths": _parts,
}
