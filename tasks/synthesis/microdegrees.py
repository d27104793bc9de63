"""Positions as whole microdegrees: what a release states is what was checked."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.mobility.areas import held
from tasks.mobility.distance import haversine
from tasks.region.model import Box

MICRO = 1_000_000
"""Microdegrees in a degree."""

MIN_DISTANCE_M = 100.0
"""A trip is longer than this."""

_POOL = 4096

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


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


def are_trips(boxes: Sequence[Box], area: Integers, ends: Integers) -> Bools:
    """Which rows may be released: both ends in the row's area, over 100 m apart.

    Args:
        boxes: The service area.
        area: Index of each row's area, shape (n,).
        ends: Latitude and longitude of origin and destination in microdegrees, shape (n, 4).
    """
    latitude, longitude, to_latitude, to_longitude = ends.T / MICRO
    inside = held(boxes, area, (latitude, longitude), (to_latitude, to_longitude))
    return inside & (haversine(latitude, longitude, to_latitude, to_longitude) > MIN_DISTANCE_M)


def anywhere(boxes: Sequence[Box], area: Integers, generator: np.random.Generator) -> Integers:
    """Ends of trips anywhere in their areas: uniform, as independent as 100 m allow.

    Args:
        boxes: The service area.
        area: Index of each row's area, shape (n,).
        generator: Source of randomness.

    Returns:
        Latitude and longitude of origin and destination in microdegrees, shape (n, 4).
    """
    edges = corners(boxes)
    ends = np.zeros((len(area), 4), np.int64)
    for index in np.unique(area):
        low, high = edges[index, :2], edges[index, 2:]
        left = np.flatnonzero(area == index)
        while len(left):
            drawn = generator.integers(low, high + 1, (_POOL, 2))
            inside = drawn[held(boxes, np.full(_POOL, index), tuple(drawn.T / MICRO))]
            pairs = inside[: len(inside) // 2 * 2].reshape(-1, 4)
            pairs = pairs[are_trips(boxes, np.full(len(pairs), index), pairs)]
            ends[left[: len(pairs)]] = pairs[: len(left)]
            left = left[len(pairs) :]
    return ends


def _first_inside(edge: float) -> int:
    """The smallest multiple of 1e-6 degrees, as an integer, whose float is not below an edge."""
    micro = math.floor(edge * MICRO) - 1
    while micro / MICRO < edge:
        micro += 1
    return micro
