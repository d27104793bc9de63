"""The columns of a table of trips as arrays."""

import numpy as np
import pyarrow as pa

from tasks.mobility.distance import haversine
from tasks.quality.columns import Floats, Integers, numbers

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
    return np.column_stack([numbers(trips, name) for name in COORDINATES])


def hours(trips: pa.Table) -> Integers:
    """Hour of every trip, shape (n,).

    Raises:
        QualityError: If the column is missing or holds nulls.
    """
    return numbers(trips, "hour").astype(np.int64)


def lengths(trips: pa.Table) -> Floats:
    """Great-circle distance between the ends of every trip, shape (n,), metres."""
    return haversine(*ends(trips).T)
