"""Starts, or ends, drawn from a field: systematically, so that they vary hardly more than needed.

In the order of block, cell and part, every part of a cell gets as many rows as it should have, give
or take one. Hours follow from the block, at points that fill every block's hours evenly. Positions
are uniform in their part.
"""

import numpy as np
import pyarrow as pa

from tasks.mobility.areas import held
from tasks.schema import RELEASE_ENDS, RELEASE_STARTS
from tasks.synthesis import microdegrees
from tasks.synthesis.microdegrees import MICRO
from tasks.synthesis.systematic import pick_evenly, systematic
from tasks.synthesis.trip_ends.field import EndsField
from tasks.synthesis.trip_ends.tables import Kind
from tasks.synthesis.trip_field.lattice import CELLS, PARTS, Integers, Lattice

_TRIES = 256

SCHEMAS = {"start": RELEASE_STARTS, "end": RELEASE_ENDS}


def sample(
    field: EndsField, kind: Kind, generator: np.random.Generator, rows: int | None = None
) -> pa.Table:
    """Draw starts or ends from a field; every row is valid by construction.

    Args:
        field: The field; what is drawn from it is post-processing.
        kind: What is drawn.
        generator: Source of randomness.
        rows: Number of rows, >= 0; by default the field's.

    Returns:
        Columns of `tasks.schema.RELEASE_STARTS` or `RELEASE_ENDS`, sorted by their values: the
        order says nothing.
    """
    rows = field.number(kind) if rows is None else rows
    shares = field.cells(kind)[:, :, None] * field.parts
    index, _ = systematic(shares.ravel(), rows, generator)
    block_cell, part = np.divmod(index, PARTS)
    block, cell = np.divmod(block_cell, CELLS)
    places = positions(field.lattice, block, cell, part, generator)
    hour = pick_evenly(block, lambda rows: field.hours(kind)[block[rows]], generator)
    return _table(field.lattice, kind, block, hour, places)


def positions(
    lattice: Lattice,
    block: Integers,
    cell: Integers,
    part: Integers,
    generator: np.random.Generator,
) -> Integers:
    """A uniform position in each part, inside the area: latitude and longitude, microdegrees.

    Returns:
        Shape (n, 2).
    """
    area = lattice.area[block]
    edges = lattice.part_edges(block, cell, part)
    corners = microdegrees.corners(lattice.boxes)[area]
    places, left = np.zeros((len(block), 2), np.int64), np.arange(len(block))
    for _ in range(_TRIES):
        low, high = edges[left, :2], edges[left, 2:]
        degrees = low + (high - low) * generator.random(low.shape)
        places[left] = microdegrees.rounded(degrees, corners[left, :2], corners[left, 2:])
        latitude, longitude = places[left].T / MICRO
        left = left[~held(lattice.boxes, area[left], (latitude, longitude))]
        if left.size == 0:
            return places
    # parts that hold hardly any of their polygon
    places[left] = microdegrees.anywhere(lattice.boxes, area[left], generator)[:, :2]
    return places


def _table(
    lattice: Lattice, kind: Kind, block: Integers, hour: Integers, places: Integers
) -> pa.Table:
    area = lattice.area[block]
    order = np.lexsort((places[:, 1], places[:, 0], hour, area))
    names = pa.array([box.name for box in lattice.boxes], pa.string())
    columns = {
        "area": names.take(pa.array(area[order])),
        "hour": hour[order].astype(np.int8),
        "latitude": places[order, 0] / MICRO,
        "longitude": places[order, 1] / MICRO,
    }
    schema = SCHEMAS[kind]
    return pa.table([columns[name] for name in schema.names], schema=schema.arrow())
