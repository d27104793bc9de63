"""Bits per held-out trip, for models that have a density."""

import math
from collections.abc import Sequence

import numpy as np

from tasks.mobility.areas import square_degrees
from tasks.quality.columns import Floats
from tasks.quality.errors import QualityError
from tasks.region import Box

RESOLUTION = 0.001
"""Degrees to which the four coordinates of a trip are told."""


def bits_per_trip(log_density: Floats) -> float:
    """Mean code length of held-out trips at 0.001 degrees, bits; less is better.

    A trip is its hour and the cells of 0.001 degrees of both ends; a density is taken as constant
    over a cell.

    Args:
        log_density: Natural logarithm of each held-out trip's density: probability of the hour
            times the joint density of the four coordinates, per degree to the fourth. Shape (n,).

    Returns:
        Bits; infinite if one of the trips was impossible.

    Raises:
        QualityError: If there is no trip, or a density is not a number.

    Examples:
        >>> bits_per_trip(np.log([1e12 / 1024, 1e12 / 4096]))
        11.0
    """
    if not len(log_density):
        raise QualityError("no trip was held out")
    if np.isnan(log_density).any():
        raise QualityError(f"{np.isnan(log_density).sum()} held-out trips have no density")
    return float(np.mean(-log_density / math.log(2))) - 4 * math.log2(RESOLUTION)


def uniform_bits(areas: Sequence[Box]) -> float:
    """Bits per trip of the model that knows the service area only.

    Hour, origin and destination are uniform and independent, over all areas together.

    Examples:
        >>> round(uniform_bits([Box(name="all", south=0, west=0, north=0.512, east=0.512)]), 6)
        40.584963
    """
    cells = sum(map(square_degrees, areas)) / RESOLUTION**2
    return math.log2(24) + 2 * math.log2(cells)
