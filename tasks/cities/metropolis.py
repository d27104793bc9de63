"""A large city, of any size: what costs are measured on, not how close a model comes.

A centre and suburbs, weekday habits, destinations by gravity; the larger the box, the more sites.
"""

from functools import cache

import numpy as np
import pyarrow as pa

from tasks.cities.plane import Floats, Plane, filled
from tasks.cities.sites import WEEKDAY, Sites, settle, straight
from tasks.region import Box

_SITES_PER_SQUARE_DEGREE = 2_000
_MOST_SITES = 800
_REACH_M = 1800.0


def box(side: float) -> Box:
    """A square of that many degrees, about 1.3 times as high as wide."""
    south, west = 40.0, -4.0
    return Box(
        name="metropolis",
        south=south,
        west=west,
        north=round(south + side, 6),
        east=round(west + side, 6),
    )


def day(area: Box, trips: int, seed: int) -> pa.Table:
    """A weekday of that many trips."""
    generator = np.random.default_rng(seed)
    plane = Plane(area)
    sites, flows = _city(area)

    def draw(size: int) -> pa.Table:
        hour, start, end = sites.ride(flows, size, generator)
        return plane.trips(hour, sites.near(start, generator), sites.near(end, generator))

    return filled(trips, draw)


@cache
def _city(area: Box) -> tuple[Sites, Floats]:
    """The sites, and the flows between them."""
    square = (area.north - area.south) * (area.east - area.west)
    number = int(np.clip(_SITES_PER_SQUARE_DEGREE * square, 60, _MOST_SITES))
    sites = settle(number, Plane(area).size, 9, np.random.default_rng(46))
    return sites, sites.flows(WEEKDAY, straight(sites.points), _REACH_M)
