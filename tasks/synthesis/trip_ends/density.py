"""The density of a field at starts, or at ends, in closed form."""

import numpy as np
import pyarrow as pa

from tasks.synthesis.trip_ends.field import EndsField
from tasks.synthesis.trip_ends.tables import Kind, events
from tasks.synthesis.trip_field.lattice import SPLIT, Floats


def log_density(field: EndsField, table: pa.Table, kind: Kind) -> Floats:
    """The logarithm of the density at each start, or each end; rows that are none are left out.

    Args:
        field: The field.
        table: Columns kind, hour, latitude, longitude and area as in `tasks.schema.ENDS`.
        kind: Which of them.

    Returns:
        Nats, with respect to hour x square metres, shape (events,).
    """
    some = events(field.lattice, table, kind)
    cell = some.block, some.cell
    part = *cell, some.part
    share = field.cells(kind)[cell] * field.hours(kind)[some.block, some.hour] * field.parts[part]
    lattice = field.lattice
    square_m = (lattice.cell_height_m / SPLIT) ** 2 * lattice.aspect[lattice.area[some.block]]
    inside = np.maximum(square_m * lattice.cover[part], 1e-300)
    return np.asarray(np.log(np.maximum(share / inside, 1e-300)), np.float64)
