"""Great-circle distance on a sphere."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth in metres (IUGG, R1 of GRS 80)."""


def haversine(
    latitude_1: ArrayLike, longitude_1: ArrayLike, latitude_2: ArrayLike, longitude_2: ArrayLike
) -> NDArray[np.float64]:
    """Distance between points, element by element.

    The haversine form keeps its precision for points that are close together
    (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984).

    Args:
        latitude_1: Degrees, any shape.
        longitude_1: Degrees, of a shape that broadcasts with the others.
        latitude_2: Degrees, likewise.
        longitude_2: Degrees, likewise.

    Returns:
        Metres, 0 to 20,015,115 (half the circumference).

    Examples:
        >>> float(haversine(0, 0, 0, 1).round(1))
        111195.1
        >>> float(haversine(0, 0, 0, 180).round())
        20015114.0
    """
    phi_1, phi_2 = np.radians(latitude_1), np.radians(latitude_2)
    half_latitude = (phi_2 - phi_1) / 2
    half_longitude = np.radians(np.subtract(longitude_2, longitude_1)) / 2
    chord = np.sin(half_latitude) ** 2 + np.cos(phi_1) * np.cos(phi_2) * np.sin(half_longitude) ** 2
    distance: NDArray[np.float64] = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return distance
