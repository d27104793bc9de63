"""Positions as whole microdegrees: what a release states is what was checked."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.mobility.distance import haversine
from tasks.region.model import Box

MICRO = 1_000_000
"""Microdegrees in a degree."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def corners(boxes: Sequence[Box]) -> Integers:
    """The outermost multiples of 1e-6 degrees inside every box.

    Returns:
        South, west, north, east in microdegrees, shape (boxes, 4).

    Examples:
        >>> corners([Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9)]).tolist()
        [[52300000, 10600000, 52500000, 10900000]]
    """
    return np.array(
        [
            (
                _first_inside(box.south),
                _first_inside(box.west),
                -_first_inside(-box.north),
                -_first_inside(-box.east),
            )
            for box in boxes
        ]
    )


def rounded(degrees: Floats, lowest: Integers, highest: Integers) -> Integers:
    """The nearest microdegree within bounds."""
    return np.asarray(np.clip(np.round(degrees * MICRO).astype(np.int64), lowest, highest))


def distance_between(
    latitude: Integers, longitude: Integers, to_latitude: Integers, to_longitude: Integers
) -> Floats:
    """Great-circle distance of positions in microdegrees, metres."""
    return haversine(latitude / MICRO, longitude / MICRO, to_latitude / MICRO, to_longitude / MICRO)


def _first_inside(edge: float) -> int:
    """The smallest multiple of 1e-6 degrees, as an integer, whose float is not below an edge."""
    micro = math.floor(edge * MICRO) - 1
    while micro / MICRO < edge:
        micro += 1
    return micro
