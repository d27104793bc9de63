"""A city of errands: riders go on from where they arrived, and in the end home again.

The next stop of a tour is one of the nearest places of some kind, the first of them most often: it
goes by rank, not by distance (S. A. Stouffer, "Intervening Opportunities", 1940), so that the same
errand is short downtown and long outside. A tour has a little over two trips: every other trip goes
on from where another ended, and nearly half of the tours return to where they began.
"""

from functools import cache

import numpy as np
import pyarrow as pa

from tasks.cities.curve import Curve
from tasks.cities.plane import Floats, Integers, Plane, filled, scattered
from tasks.cities.sites import settle
from tasks.region import Box

BOX = Box(name="tour-city", south=59.86, west=10.62, north=59.98, east=10.92)
KINDS = 4
"""Kinds of places: work, food, shops, leisure."""

_PLANE = Plane(BOX)
_STARTS = Curve(0.08, (8.2, 1.2, 1.0), (12.3, 1.4, 0.5), (17.0, 2.0, 0.8))
_WISH = (  # by hour, for each kind
    Curve(0.05, (8.5, 1.5, 2.0), (13.3, 0.8, 0.8)),
    Curve(0.15, (12.4, 1.0, 2.0), (19.3, 1.5, 1.6)),
    Curve(0.20, (16.5, 2.5, 1.2)),
    Curve(0.15, (20.5, 2.2, 1.8)),
)
_NEAREST = 6  # of a kind are considered
_GOES_ON, _GOES_HOME = 0.68, 0.4
_LONGEST = 6  # trips of a tour


def day(trips: int, seed: int) -> pa.Table:
    """A day of that many trips."""
    generator = np.random.default_rng(seed)
    return filled(trips, lambda size: _tours(size // 2, generator))


def _tours(riders: int, generator: np.random.Generator) -> pa.Table:
    """The trips of that many riders, who ride a little over two trips each."""
    homes, weight, places = _city()
    starts = _STARTS(np.arange(24) + 0.5)
    hour = generator.choice(24, riders, p=starts / starts.sum())
    site = generator.choice(len(homes), riders, p=weight)
    home = scattered(homes[site], np.full(riders, 160.0), generator)
    here, parts = home, []
    for leg in range(_LONGEST):
        homeward = (leg > 0) & (generator.random(len(here)) < _GOES_HOME)
        there = _stops(places, here, hour, generator)
        there = np.where(homeward[:, None], home + generator.normal(0, 12, home.shape), there)
        parts.append(_PLANE.trips(hour, here, there))
        on = ~homeward & (generator.random(len(here)) < _GOES_ON)
        # the vehicle stands where it was left, as far as the receiver knows
        here = there[on] + generator.normal(0, 4, (int(on.sum()), 2))
        home = home[on]
        hour = (hour[on] + generator.integers(0, 4, len(home))) % 24
    return pa.concat_tables(parts).take(generator.permutation(sum(map(len, parts))))


def _stops(
    places: tuple[Floats, ...], here: Floats, hour: Integers, generator: np.random.Generator
) -> Floats:
    """Where each rider goes next, shape (n, 2), metres."""
    wish = np.stack([curve(np.arange(24) + 0.5) for curve in _WISH], axis=1)[hour]
    total = np.cumsum(wish, axis=1)
    kind = (total < generator.random((len(here), 1)) * total[:, -1:]).sum(axis=1)
    rank = np.minimum(generator.geometric(0.4, len(here)) - 1, _NEAREST - 1)
    stops = np.empty_like(here)
    for index, of_kind in enumerate(places):
        going = np.flatnonzero(kind == index)
        away = np.hypot(*(here[going, None, :] - of_kind[None, :, :]).transpose(2, 0, 1))
        away[away < 250] = np.inf  # that is where one is, or near enough to walk
        order = np.argpartition(away, _NEAREST, axis=1)[:, :_NEAREST]
        order = np.take_along_axis(
            order, np.argsort(np.take_along_axis(away, order, axis=1), axis=1), axis=1
        )
        stops[going] = of_kind[order[np.arange(len(going)), rank[going]]]
    return scattered(stops, np.full(len(here), 35.0), generator)


@cache
def _city() -> tuple[Floats, Floats, tuple[Floats, ...]]:
    """Where people live, how many, and the places of each kind."""
    generator = np.random.default_rng(43)
    sites = settle(180, _PLANE.size, 6, generator)
    places = tuple(settle(60, _PLANE.size, 6, generator).points for _ in range(KINDS))
    homes = sites.weight[:, 0]
    return sites.points, homes / homes.sum(), places
