"""Decoded rows as a table of the release."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tasks.region.model import Box
from tasks.schema import RELEASE
from tasks.synthesis.grid import Columns


def release_table(boxes: Sequence[Box], columns: Columns) -> pa.Table:
    """Decoded trips as a table of the release's schema, sorted by their values.

    The order says nothing.
    """
    order = np.lexsort(
        (
            columns.destination_longitude,
            columns.destination_latitude,
            columns.origin_longitude,
            columns.origin_latitude,
            columns.hour,
            columns.area,
        )
    )
    names = pa.array([box.name for box in boxes], pa.string())
    values = {
        "area": names.take(pa.array(columns.area[order])),
        "hour": columns.hour[order].astype(np.int8),
        **{name: getattr(columns, name)[order] for name in RELEASE.names[2:]},
    }
    return pa.table([values[name] for name in RELEASE.names], schema=RELEASE.arrow())
