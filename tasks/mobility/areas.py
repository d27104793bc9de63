"""In which part of the service area places lie: the one rule, for trips and for releases.

Places are compared as they stand in tables, as floats of microdegrees; the edges of a box, of its
polygons and of their holes belong to it.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.region.model import Box
from tasks.region.polygons import hold, shape_of

Places = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Latitudes and longitudes in degrees, shape [n] each."""
Bools = NDArray[np.bool_]


def holds(box: Box, latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> Bools:
    """Whether each place lies in an area.

    Args:
        box: The area.
        latitude: Degrees, shape (n,).
        longitude: Degrees, shape (n,).

    Examples:
        >>> triangle = (((8, 50), (9, 50), (9, 51), (8, 50)),)
        >>> box = Box(name="half", south=50, west=8, north=51, east=9, polygons=(triangle,))
        >>> holds(box, np.array([50.2, 50.8, 50.5]), np.array([8.5, 8.5, 8.5])).tolist()
        [True, False, True]
    """
    inside = (box.south <= latitude) & (latitude <= box.north)
    inside &= (box.west <= longitude) & (longitude <= box.east)
    if box.polygons:
        inside[inside] = hold(box.polygons, latitude[inside], longitude[inside])
    return np.asarray(inside)


def held(boxes: Sequence[Box], area: NDArray[np.int64], *places: Places) -> Bools:
    """Whether all places of each row lie in the row's own area; shape (n,).

    Args:
        boxes: The service area.
        area: Index of each row's area, shape (n,); -1 stands for none.
        places: One or more places per row.
    """
    inside = np.zeros(len(area), bool)
    for index in np.unique(area[area >= 0]):
        rows = np.flatnonzero(area == index)
        for latitude, longitude in places:
            rows = rows[holds(boxes[index], latitude[rows], longitude[rows])]
        inside[rows] = True
    return inside


def square_degrees(box: Box) -> float:
    """The size of an area in square degrees.

    Examples:
        >>> square_degrees(Box(name="all", south=50, west=8, north=51, east=10))
        2.0
    """
    if box.polygons:
        return float(shape_of(box.polygons).area)
    return (box.north - box.south) * (box.east - box.west)


def area_of(boxes: Sequence[Box], *places: Places) -> pa.Array:
    """Name of the first area that holds all places of a row, null where none does.

    Args:
        boxes: The service area.
        places: One or more places per row.

    Examples:
        >>> box = Box(name="all", south=50, west=8, north=51, east=9)
        >>> area_of([box], (np.array([50.5, 52]), np.array([8.5, 8.5]))).to_pylist()
        ['all', None]
    """
    index = np.full(len(places[0][0]), -1)
    for i, box in enumerate(boxes):
        rows = np.flatnonzero(index < 0)
        for latitude, longitude in places:
            rows = rows[holds(box, latitude[rows], longitude[rows])]
        index[rows] = i
    names = pa.array([box.name for box in boxes], pa.string())
    return names.take(pa.array(index, mask=index < 0))
