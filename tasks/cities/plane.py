"""The ground of the simulated cities: metres in a box, streets, and the table of rides."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.mobility.distance import EARTH_RADIUS_M, haversine
from tasks.region import Box
from tasks.schema import RELEASE

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COORDINATES = RELEASE.names[2:6]
"""Latitude and longitude of origin and destination, as a release names them."""
SHORTEST_M = float(RELEASE.column("distance_m").minimum or 0)
"""A trip is longer than this."""
METRES_PER_DEGREE = EARTH_RADIUS_M * np.pi / 180
BLOCK_M = 140.0
"""From street to street."""

_GPS_M = 5.0


@dataclass(frozen=True)
class Plane:
    """Metres east and north of a box's south-west corner, flat: good to a part in a thousand."""

    box: Box

    @property
    def size(self) -> Floats:
        """Extent to the east and to the north, shape (2,), metres."""
        box = self.box
        return np.array([box.east - box.west, box.north - box.south]) * self._metres

    @property
    def _metres(self) -> Floats:
        """Metres per degree of longitude and of latitude."""
        middle = np.radians((self.box.south + self.box.north) / 2)
        return METRES_PER_DEGREE * np.array([np.cos(middle), 1.0])

    def degrees(self, points: Floats) -> Floats:
        """Latitude and longitude of points in metres, shape (n, 2), multiples of 1e-6 degrees."""
        east, north = (points / self._metres).T
        return np.round(np.column_stack([self.box.south + north, self.box.west + east]), 6)

    def trips(self, hour: Integers, origins: Floats, destinations: Floats) -> pa.Table:
        """The rides that are trips: inside the box and over 100 m; columns as of a release."""
        ends = np.column_stack([self.degrees(origins), self.degrees(destinations)])
        low = np.array([self.box.south, self.box.west] * 2)
        high = np.array([self.box.north, self.box.east] * 2)
        distance = haversine(*ends.T)
        kept = np.all((ends >= low) & (ends <= high), axis=1) & (distance > SHORTEST_M)
        return pa.table(
            {
                "area": pa.array([self.box.name] * int(kept.sum()), pa.string()),
                "hour": hour[kept].astype(np.int8),
                **dict(zip(COORDINATES, ends[kept].T, strict=True)),
                "distance_m": distance[kept],
            }
        )


def on_streets(points: Floats, generator: np.random.Generator) -> Floats:
    """Points moved to the nearest street that runs east, or to the nearest that runs north."""
    street = np.round(points / BLOCK_M) * BLOCK_M + generator.normal(0, _GPS_M, points.shape)
    runs_east = generator.random(len(points)) < 0.5
    along = np.column_stack([runs_east, ~runs_east])
    return np.where(along, points, street)


def scattered(centres: Floats, spread: Floats, generator: np.random.Generator) -> Floats:
    """A point on a street near each centre, shape (n, 2); now and then a far one."""
    away = generator.standard_t(4, centres.shape) * spread[:, None]
    return on_streets(centres + away, generator)


def filled(trips: int, draw: Callable[[int], pa.Table]) -> pa.Table:
    """Exactly that many trips, from a function that draws about as many as it is asked for."""
    parts = [draw(trips + trips // 4 + 50)]
    while sum(map(len, parts)) < trips:
        parts.append(draw(trips))
    return pa.concat_tables(parts).slice(0, trips)
