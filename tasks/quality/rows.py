"""The columns of a table of trips as arrays."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.mobility.distance import haversine
from tasks.quality.errors import QualityError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COORDINATES = (
    "origin_latitude",
    "origin_longitude",
    "destination_latitude",
    "destination_longitude",
)


def ends(trips: pa.Table) -> Floats:
    """Both ends of every trip, shape (n, 4), degrees, in the order of `COORDINATES`.

    Raises:
        QualityError: If a coordinate is missing or null.
    """
    return np.column_stack([_numbers(trips, name) for name in COORDINATES])


def hours(trips: pa.Table) -> Integers:
    """Hour of every trip, shape (n,).

    Raises:
        QualityError: If the column is missing or holds nulls.
    """
    return _numbers(trips, "hour").astype(np.int64)


def lengths(trips: pa.Table) -> Floats:
    """Great-circle distance between the ends of every trip, shape (n,), metres."""
    return haversine(*ends(trips).T)


def _numbers(trips: pa.Table, name: str) -> Floats:
    if name not in trips.column_names:
        raise QualityError(f"the table has no column {name}; compare tables like a release's")
    column = trips[name]
    if column.null_count:
        raise QualityError(f"{column.null_count} rows have no {name}; set them aside beforehand")
    return np.asarray(column.to_numpy(), np.float64)
