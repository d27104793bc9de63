"""Thirty days of one city: weekdays and weekends, drift, and one day that is like no other.

Day 0 is a Monday. A quarter is being built: its share of homes and leisure grows from nothing day
by day, while some of the old places fade. On `FAIR_DAY` a fair draws a third of all trips to a
field where otherwise nobody rides, and there is none on the day after.
"""

from functools import cache

import numpy as np
import pyarrow as pa

from tasks.cities.plane import Floats, Plane, filled
from tasks.cities.sites import WEEKDAY, WEEKEND, Sites, settle, straight
from tasks.region import Box

BOX = Box(name="month-city", south=38.15, west=-85.86, north=38.31, east=-85.62)
DAYS = 30
FAIR_DAY = 16
"""A Wednesday."""

_PLANE = Plane(BOX)
_SHARE = (1.0, 1.0, 1.02, 1.05, 1.1, 0.95, 0.75)  # trips from Monday to Sunday
_GROWTH = 0.006  # trips more, a day
_REACH_M = 1200.0
_NEW = 12  # sites of the new quarter
_NEW_SHARE = 0.15  # of the homes and the leisure, on the last day
_FAIR_SHARE, _FAIR_HOURS = 0.25, (11, 23)


def trips_of_day(day: int, trips: int) -> int:
    """How many trips a day has, if the first has `trips`.

    Examples:
        >>> [trips_of_day(day, 10_000) for day in (0, 4, 6, 28)]
        [10000, 11264, 7770, 11680]
    """
    return round(trips * _SHARE[day % 7] * (1 + _GROWTH * day))


def day_of_month(day: int, trips: int, seed: int) -> pa.Table:
    """The trips of a day; the law of the day does not depend on the seed.

    Args:
        day: 0 to 29.
        trips: Trips of the first day; see `trips_of_day`.
        seed: Draws the trips.
    """
    generator = np.random.default_rng([seed, day])
    sites, flows = _law(day)

    def draw(size: int) -> pa.Table:
        hour, start, end = sites.ride(flows, size, generator)
        origins, destinations = sites.near(start, generator), sites.near(end, generator)
        if day == FAIR_DAY:
            visits = (generator.random(size) < 2 * _FAIR_SHARE) & (hour >= _FAIR_HOURS[0])
            visits &= hour < _FAIR_HOURS[1]
            field = _field() + generator.normal(0, 60, (size, 2))
            leaves = generator.random(size) < (hour - _FAIR_HOURS[0]) / np.ptp(_FAIR_HOURS)
            origins = np.where((visits & leaves)[:, None], field, origins)
            destinations = np.where((visits & ~leaves)[:, None], field, destinations)
        return _PLANE.trips(hour, origins, destinations)

    return filled(trips_of_day(day, trips), draw)


def fair_ground() -> tuple[float, float]:
    """South-west corner of the cell of 0.01 degrees in which the fair is, well inside, degrees."""
    latitude, longitude = np.floor(_PLANE.degrees(_field()[None])[0] * 100) / 100
    return float(latitude), float(longitude)


def _field() -> Floats:
    """Where the fair is, metres."""
    return np.asarray(_PLANE.size * np.array([0.82, 0.3]))


@cache
def _map() -> Sites:
    """The old sites, and after them those of the new quarter."""
    generator = np.random.default_rng(44)
    old = settle(200, _PLANE.size, 5, generator)
    points = _PLANE.size * np.array([0.25, 0.72]) + generator.normal(0, 700, (_NEW, 2))
    new = np.column_stack([np.ones(_NEW), np.full(_NEW, 0.05), np.full(_NEW, 0.7)])
    return Sites(
        np.vstack([old.points, points]),
        np.append(old.spread, np.full(_NEW, 110.0)),
        np.vstack([old.weight, new * old.weight[:, [0]].sum() / _NEW]),
    )


def _law(day: int) -> tuple[Sites, Floats]:
    """The sites of a day, and the flows between them."""
    city, built = _map(), day / (DAYS - 1)
    change = np.full(len(city.points), _NEW_SHARE * built)
    fades = np.random.default_rng(45).random(len(city.points) - _NEW) < 0.15
    change[:-_NEW] = np.where(fades, 1 - 0.6 * built, 1.0)
    sites = Sites(city.points, city.spread, city.weight * change[:, None])
    habits = WEEKEND if day % 7 >= 5 else WEEKDAY
    return sites, sites.flows(habits, straight(city.points), _REACH_M)
