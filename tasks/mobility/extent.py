"""A box around what was seen of a feed that says nothing of its service area."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tasks.mobility.areas import Places
from tasks.region.model import WIDEST

OUTERMOST = 0.005
"""Share of places beyond each edge that may lie outside: vehicles in depots and in transit."""
MARGIN_DEGREES = 0.02
"""What is added on every side: places that nobody stood at during so short a look."""
GRID_DEGREES = 0.01


def box_around(places: Places) -> tuple[float, float, float, float]:
    """South, west, north and east of a box around most of some places, in degrees.

    It has a margin, its edges are multiples of 0.01, and it spans at most 5 degrees around the
    places' median.

    Args:
        places: Latitudes and longitudes, at least one.

    Examples:
        >>> box_around((np.array([52.004, 52.1]), np.array([10.5, 10.517])))
        (51.98, 10.48, 52.12, 10.54)
    """
    south, north = _edges(places[0], 85.0)
    west, east = _edges(places[1], 180.0)
    return south, west, north, east


def _edges(values: NDArray[np.float64], largest: float) -> tuple[float, float]:
    """The lower and the upper edge in one direction, at most `largest` from zero."""
    most = largest - MARGIN_DEGREES - GRID_DEGREES
    levels = (OUTERMOST, 0.5, 1 - OUTERMOST)
    low, middle, high = np.quantile(np.clip(values, -most, most), levels, method="nearest")
    low, high = low - MARGIN_DEGREES, high + MARGIN_DEGREES
    span = WIDEST - 2 * GRID_DEGREES
    if high - low > span:
        low = min(max(middle - span / 2, low), high - span)
        high = low + span
    return _rounded(low, math.floor), _rounded(high, math.ceil)


def _rounded(degrees: float, rule: Callable[[float], int]) -> float:
    cells = round(degrees / GRID_DEGREES, 6)  # a hair's breadth is rounding, not a place
    return round(rule(cells) * GRID_DEGREES, 2)
