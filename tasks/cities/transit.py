"""A city of commuters: most trips begin or end at one of a few stations, and turn with the hour.

In the morning people ride from home to their station, and from a central station to work; in the
evening back. How far somebody lives from the station has a mode at about 800 m, since who is
nearer walks: no law that falls with the distance makes such trips.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from tasks.cities.curve import Curve
from tasks.cities.plane import Floats, Integers, Plane, filled, on_streets
from tasks.region import Box

BOX = Box(name="transit-city", south=50.80, west=4.22, north=50.96, east=4.50)
STATIONS = 14
CENTRAL = 3
"""The first stations, where people work."""

_PLANE = Plane(BOX)
_RACKS, _OFFICES, _QUARTERS = 3, 8, 5
_KINDS = (  # weight by hour of each kind of trip
    Curve(0.10, (7.6, 1.1, 3.0)),  # home to station
    Curve(0.15, (18.0, 1.6, 2.4), (22.5, 1.2, 0.4)),  # station to home
    Curve(0.05, (8.4, 1.0, 2.0)),  # central station to office
    Curve(0.05, (17.2, 1.3, 1.7), (12.5, 0.8, 0.2)),  # office to central station
    Curve(0.12, (15.0, 3.5, 0.5)),  # around home
)


@dataclass(frozen=True)
class _City:
    """The map.

    Attributes:
        racks: Where vehicles are parked at each station, shape (stations, racks, 2), metres.
        offices: Around each central station, shape (central, offices, 2), metres.
        ridership: Share of each station, shape (stations,).
        quarters: In which directions people live, shape (stations, quarters), radians.
    """

    racks: Floats
    offices: Floats
    ridership: Floats
    quarters: Floats

    def at_station(self, station: Integers, generator: np.random.Generator) -> Floats:
        rack = generator.integers(0, _RACKS, len(station))
        return np.asarray(self.racks[station, rack] + generator.normal(0, 4, (len(station), 2)))

    def at_home(self, station: Integers, generator: np.random.Generator) -> Floats:
        quarter = generator.integers(0, _QUARTERS, len(station))
        angle = self.quarters[station, quarter] + generator.normal(0, 0.25, len(station))
        away = generator.gamma(5.0, 210.0, len(station))
        offset = away[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
        return on_streets(self.racks[station, 0] + offset, generator)

    def at_office(self, station: Integers, generator: np.random.Generator) -> Floats:
        # the first offices of a station are the large ones
        office = np.minimum(generator.geometric(0.3, len(station)) - 1, _OFFICES - 1)
        spread = generator.normal(0, 25, (len(station), 2))
        return np.asarray(self.offices[station, office] + spread)


def day(trips: int, seed: int) -> pa.Table:
    """A weekday of that many trips."""
    generator = np.random.default_rng(seed)
    city = _city()
    by_hour = np.stack([curve(np.arange(24) + 0.5) for curve in _KINDS], axis=1)

    def draw(size: int) -> pa.Table:
        drawn = generator.choice(by_hour.size, size, p=by_hour.ravel() / by_hour.sum())
        hour, kind = np.divmod(drawn, len(_KINDS))
        origins, destinations = _ends(city, kind, generator)
        return _PLANE.trips(hour, origins, destinations)

    return filled(trips, draw)


def _ends(city: _City, kind: Integers, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Origins and destinations of trips of these kinds, shape (n, 2) each, metres."""
    share = city.ridership.copy()
    outer = generator.choice(STATIONS, len(kind), p=share / share.sum())
    inner = generator.choice(CENTRAL, len(kind), p=share[:CENTRAL] / share[:CENTRAL].sum())
    station = np.where((kind == 2) | (kind == 3), inner, outer)
    rack, home = city.at_station(station, generator), city.at_home(station, generator)
    office = city.at_office(inner, generator)
    around = on_streets(home + generator.normal(0, 600, home.shape), generator)
    kinds = [kind[:, None] == index for index in range(len(_KINDS))]
    origins = np.select(kinds, [home, rack, rack, office, home])
    return origins, np.select(kinds, [rack, home, office, rack, around])


@cache
def _city() -> _City:
    """Two lines that cross in the centre, and the racks, offices and homes around the stations."""
    generator = np.random.default_rng(42)
    along = np.linspace(0.08, 0.92, STATIONS // 2)
    lines = [
        np.column_stack([along, 0.5 + 0.15 * np.sin(4 * along)]),
        np.column_stack([0.5 + 0.1 * np.cos(5 * along), along]),
    ]
    stations = np.vstack(lines) * _PLANE.size
    stations += generator.normal(0, 150, stations.shape)
    central = np.argsort(np.hypot(*(stations - _PLANE.size / 2).T))
    stations = stations[central]
    racks = stations[:, None, :] + generator.normal(0, 45, (STATIONS, _RACKS, 2))
    angle = generator.uniform(0, 2 * np.pi, (CENTRAL, _OFFICES))
    away = generator.uniform(400, 1500, (CENTRAL, _OFFICES))
    offices = stations[:CENTRAL, None, :] + np.stack(
        [away * np.sin(angle), away * np.cos(angle)], axis=2
    )
    return _City(
        racks,
        offices,
        ridership=generator.pareto(2.0, STATIONS) + 0.4,
        quarters=generator.uniform(0, 2 * np.pi, (STATIONS, _QUARTERS)),
    )
