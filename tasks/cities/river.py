"""A city on a river with three bridges: two places that see each other may be far apart.

Destinations fall off with the way that is ridden, which goes over a bridge when it changes banks.
Nobody starts or ends in the water.
"""

from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.cities.plane import Floats, Plane, filled
from tasks.cities.sites import WEEKDAY, Sites, settle, straight
from tasks.region import Box

BOX = Box(name="river-city", south=44.78, west=-0.72, north=44.94, east=-0.48)
WIDTH_M = 400.0
BRIDGES = (0.34, 0.52, 0.61)
"""Where they are, as parts of the way from west to east."""

_REACH_M = 1400.0
_PLANE = Plane(BOX)


def middle_of_river(east: Floats) -> Floats:
    """How far north the middle of the river is, metres, at points so far east."""
    width, height = _PLANE.size
    return np.asarray(height * (0.5 + 0.06 * np.sin(2 * np.pi * 1.3 * east / width)))


def bank(points: Floats) -> NDArray[np.int64]:
    """1 for points north of the river, -1 south of it, 0 in the water."""
    north = points[:, 1] - middle_of_river(points[:, 0])
    return np.where(np.abs(north) < WIDTH_M / 2, 0, np.sign(north)).astype(np.int64)


def day(trips: int, seed: int) -> pa.Table:
    """A weekday of that many trips."""
    generator = np.random.default_rng(seed)
    sites, flows = _city()
    side = bank(sites.points)

    def draw(size: int) -> pa.Table:
        hour, start, end = sites.ride(flows, size, generator)
        origins, destinations = sites.near(start, generator), sites.near(end, generator)
        dry = (bank(origins) == side[start]) & (bank(destinations) == side[end])
        return _PLANE.trips(hour[dry], origins[dry], destinations[dry])

    return filled(trips, draw)


@cache
def _city() -> tuple[Sites, Floats]:
    """The sites on dry land, and the flows between them."""
    settled = settle(260, _PLANE.size, 5, np.random.default_rng(41))
    dry = bank(settled.points) != 0
    sites = Sites(settled.points[dry], settled.spread[dry], settled.weight[dry])
    return sites, sites.flows(WEEKDAY, _ways(sites.points), _REACH_M)


def _ways(points: Floats) -> Floats:
    """Metres ridden from each point to each, shape (n, n)."""
    east = np.array(BRIDGES) * _PLANE.size[0]
    bridges = np.column_stack([east, middle_of_river(east)])
    to_bridge = np.hypot(*(points[:, None, :] - bridges[None, :, :]).transpose(2, 0, 1))
    over = (to_bridge[:, None, :] + to_bridge[None, :, :]).min(axis=2)
    side = bank(points)
    return np.where(side[:, None] == side[None, :], straight(points), over)
