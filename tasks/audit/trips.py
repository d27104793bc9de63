"""Trips made up for an audit: planted ones, and those that they are told apart from."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.region.model import Box
from tasks.synthesis import microdegrees, sphere
from tasks.synthesis.grid import HOURS, Columns, Grid
from tasks.synthesis.microdegrees import MICRO
from tasks.synthesis.sampling import release_table

Integers = NDArray[np.int64]


def trips_between(boxes: Sequence[Box], area: Integers, hour: Integers, ends: Integers) -> pa.Table:
    """Trips as rows of a release, sorted by their values.

    Args:
        boxes: The service area.
        area: Index of each trip's area, shape (n,).
        hour: Hour of the day, shape (n,).
        ends: Latitude and longitude of origin and destination, microdegrees, shape (n, 4).

    Returns:
        Columns as `tasks.schema.RELEASE`.
    """
    latitude, longitude, to_latitude, to_longitude = ends.T
    return release_table(
        boxes,
        Columns(
            area=area,
            hour=hour,
            origin_latitude=latitude / MICRO,
            origin_longitude=longitude / MICRO,
            destination_latitude=to_latitude / MICRO,
            destination_longitude=to_longitude / MICRO,
            distance_m=microdegrees.distance_between(*ends.T),
        ),
    )


def random_trips(boxes: Sequence[Box], count: int, generator: np.random.Generator) -> pa.Table:
    """Independent trips that know nothing of a day, in an order that says nothing.

    Area, hour, origin and bearing are uniform and the distance is log-uniform, on condition that
    the trip ends in its area.

    Args:
        boxes: The service area.
        count: Number of trips.
        generator: Source of randomness.

    Returns:
        Columns as `tasks.schema.RELEASE`.

    Examples:
        >>> box = Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9)
        >>> random_trips((box,), 5, np.random.default_rng(0)).num_rows
        5
    """
    corners = microdegrees.corners(boxes)
    edges = Grid(tuple(boxes), 1).distance_edges
    area, ends = np.zeros(0, np.int64), np.zeros((0, 4), np.int64)
    while len(area) < count:
        tried = generator.integers(len(boxes), size=2 * count)
        low, high = corners[tried, :2], corners[tried, 2:]
        origin = generator.integers(low, high, endpoint=True)
        distance = edges[0] * (edges[-1] / edges[0]) ** generator.random(len(tried))
        bearing = generator.uniform(0, 2 * np.pi, len(tried))
        latitude, longitude = (origin / MICRO).T
        degrees = np.stack(sphere.destination(latitude, longitude, distance, bearing), axis=1)
        destination = np.round(degrees * MICRO).astype(np.int64)
        both = np.concatenate([origin, destination], axis=1)
        is_inside = microdegrees.are_trips(boxes, tried, both)
        area = np.concatenate([area, tried[is_inside]])
        ends = np.concatenate([ends, both[is_inside]])
    hour = generator.integers(HOURS, size=count)
    return trips_between(boxes, area[:count], hour, ends[:count]).take(generator.permutation(count))
