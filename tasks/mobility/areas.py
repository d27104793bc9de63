"""In which part of the service area places lie."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.region import Box

Places = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Latitudes and longitudes in degrees, shape [n] each."""


def area_of(boxes: Sequence[Box], *places: Places) -> pa.Array:
    """Name of the first box that holds all places of a row, null where none does.

    Args:
        boxes: The service area; edges belong to a box.
        places: One or more places per row.

    Examples:
        >>> box = Box(name="all", south=50, west=8, north=51, east=9)
        >>> area_of([box], (np.array([50.5, 52]), np.array([8.5, 8.5]))).to_pylist()
        ['all', None]
    """
    index = np.full(len(places[0][0]), -1)
    for i, box in reversed(list(enumerate(boxes))):
        inside = np.ones(len(index), dtype=bool)
        for latitude, longitude in places:
            inside &= (box.south <= latitude) & (latitude <= box.north)
            inside &= (box.west <= longitude) & (longitude <= box.east)
        index[inside] = i
    names = pa.array([box.name for box in boxes], pa.string())
    return names.take(pa.array(index, mask=index < 0))
