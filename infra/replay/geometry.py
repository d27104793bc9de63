"""Distances on the sphere, and metres as degrees."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS_M = 6_371_008.8
METRES_PER_DEGREE = EARTH_RADIUS_M * np.pi / 180


def distance_m(
    latitude_a: ArrayLike, longitude_a: ArrayLike, latitude_b: ArrayLike, longitude_b: ArrayLike
) -> NDArray[np.float64]:
    """Great-circle distances in metres between points given in degrees (haversine formula).

    Examples:
        >>> round(float(distance_m(52.0, 10.0, 52.0, 11.0)))
        68458
    """
    phi_a, lambda_a, phi_b, lambda_b = (
        np.radians(np.asarray(angle, dtype=np.float64))
        for angle in (latitude_a, longitude_a, latitude_b, longitude_b)
    )
    chord = (
        np.sin((phi_b - phi_a) / 2) ** 2
        + np.cos(phi_a) * np.cos(phi_b) * np.sin((lambda_b - lambda_a) / 2) ** 2
    )
    distance: NDArray[np.float64] = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))
    return distance


def between_m(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Great-circle distances in metres between points, arrays of shape (..., 2) in degrees."""
    return distance_m(a[..., 0], a[..., 1], b[..., 0], b[..., 1])


def metres_per_degree_of_longitude(latitude: ArrayLike) -> NDArray[np.float64]:
    """Length of a degree of longitude at a latitude, at least 1 % of that at the equator."""
    shrink = np.abs(np.cos(np.radians(np.asarray(latitude, dtype=np.float64))))
    length: NDArray[np.float64] = METRES_PER_DEGREE * np.maximum(shrink, 0.01)
    return length
