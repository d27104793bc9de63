"""Bearings and destinations on the sphere, in degrees and metres, vectorised."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tasks.mobility.distance import EARTH_RADIUS_M

Floats = NDArray[np.float64]


def bearing(
    latitude: ArrayLike, longitude: ArrayLike, to_latitude: ArrayLike, to_longitude: ArrayLike
) -> Floats:
    """Initial bearing of the great circle, clockwise from north.

    Returns:
        Radians in [0, 2 pi).

    Examples:
        >>> float(bearing(52.0, 10.0, 51.0, 10.0).round(4))
        3.1416
    """
    phi, to_phi = np.radians(latitude), np.radians(to_latitude)
    turn = np.radians(np.subtract(to_longitude, longitude))
    east = np.sin(turn) * np.cos(to_phi)
    north = np.cos(phi) * np.sin(to_phi) - np.sin(phi) * np.cos(to_phi) * np.cos(turn)
    angle = np.arctan2(east, north) % (2 * np.pi)
    return np.asarray(np.where(angle < 2 * np.pi, angle, 0.0))  # -tiny % 2 pi rounds to 2 pi


def destination(
    latitude: ArrayLike, longitude: ArrayLike, distance: ArrayLike, direction: ArrayLike
) -> tuple[Floats, Floats]:
    """Where a great circle leads.

    Args:
        latitude: Degrees; any shapes that broadcast.
        longitude: Degrees.
        distance: Metres along the great circle.
        direction: Initial bearing, radians clockwise from north.

    Returns:
        Latitude and longitude in degrees; the longitude within 180 degrees of the start's.

    Examples:
        >>> to = destination(52.0, 10.0, 1000.0, np.pi / 2)
        >>> [float(value.round(5)) for value in to]
        [52.0, 10.01461]
    """
    phi = np.radians(latitude)
    arc = np.divide(distance, EARTH_RADIUS_M)
    to_phi = np.arcsin(np.sin(phi) * np.cos(arc) + np.cos(phi) * np.sin(arc) * np.cos(direction))
    turn = np.arctan2(
        np.sin(direction) * np.sin(arc) * np.cos(phi), np.cos(arc) - np.sin(phi) * np.sin(to_phi)
    )
    return np.asarray(np.degrees(to_phi)), np.asarray(np.add(longitude, np.degrees(turn)))
