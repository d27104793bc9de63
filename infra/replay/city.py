"""A simulated city: a seeded demand model that needs no file.

A day is played trip by trip. When a trip starts is drawn from the day type's curve; which vehicle
is taken, from those that stand, by the pull of the places where they stand; where it goes, from all
places by their pull at that hour times exp(-distance / `GRAVITY_M`). The ride winds (the street
network is longer than the straight line) and has a rider's speed. Everything follows from the seed
and the date: the map from the seed alone, so that the days of a city differ and its streets do not.

Vehicles have new ids every day, because no day knows where the vehicles of the day before stood.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infra.replay.day import ServiceDay, zone_named
from infra.replay.demand import WEEKDAY, WEEKEND, DayType
from infra.replay.land_use import LandUse, lay_out
from infra.replay.service_box import LOUISVILLE, ServiceBox
from infra.replay.timeline import Stand, Timeline, build_timeline

GRAVITY_M = 850.0
"""Distance over which the wish to go somewhere falls to 1/e, metres."""

_SHORTEST_M = 250.0  # from place to place: nobody pays to ride less
_BESIDE_M = 25.0  # a vehicle stands up to this far north or south, and east or west, of a place
_WINDING = 1.3  # metres ridden per metre of straight line
_WARM_UP_S = 2 * 3600  # trips before midnight spread the vehicles, and some are under way then
_STANDING_POLLS = 3  # a vehicle is seen this often, or more, between two rides

Floats = NDArray[np.float64]


@dataclass
class _Fleet:
    """Where each vehicle is now."""

    place: NDArray[np.int64]  # the place that it stands beside
    east: Floats
    north: Floats
    since: NDArray[np.int64]  # first poll that sees it there


def city_timeline(
    day: ServiceDay,
    seed: int,
    box: ServiceBox = LOUISVILLE,
    vehicles: int = 800,
    trips: int = 8_000,
) -> Timeline:
    """Simulate one day of a city.

    Args:
        day: The service day.
        seed: The city, its habits and, with the date, its chances.
        box: The public service area; every vehicle stays inside it.
        vehicles: Size of the fleet.
        trips: Expected trips of an average day.
    """
    random = np.random.default_rng([seed, 3, day.date.toordinal()])
    city = lay_out(box, seed)
    habits = WEEKEND if day.date.weekday() >= 5 else WEEKDAY
    starts, hours = _starts(random, day, habits, trips)
    stands = _played(random, day, city, habits, vehicles, starts, hours)
    ids = [_vehicle_id(seed, day.date, vehicle) for vehicle in range(vehicles)]
    return build_timeline(ids, stands, seed)


def _starts(
    random: np.random.Generator, day: ServiceDay, habits: DayType, trips: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Seconds after midnight at which trips start, rising, and the local hour of each."""
    minutes = np.arange(day.start - _WARM_UP_S, day.end, 60)
    zone = zone_named(day.time_zone)
    local = [dt.datetime.fromtimestamp(int(minute), zone) for minute in minutes]
    hour = np.array([moment.hour + moment.minute / 60 for moment in local])
    an_average_day = habits.starts(np.arange(0, 24, 1 / 60)).sum()
    weather = random.normal(1.0, 0.05)
    expected = trips * habits.share * weather * habits.starts(hour) / an_average_day
    number = random.poisson(np.maximum(expected, 0))
    second = np.repeat(minutes - day.start, number) + random.uniform(0, 60, number.sum())
    return np.sort(second), np.repeat(hour.astype(np.int64), number)


def _played(
    random: np.random.Generator,
    day: ServiceDay,
    city: LandUse,
    habits: DayType,
    vehicles: int,
    starts: Floats,
    hours: NDArray[np.int64],
) -> list[Stand]:
    """All stands of the day."""
    away = np.hypot(city.east[:, None] - city.east, city.north[:, None] - city.north)
    gravity = np.where(away < _SHORTEST_M, 0.0, np.exp(-away / GRAVITY_M))
    pull_from = habits.table(habits.pull_from)[:, city.use]
    pull_to = habits.table(habits.pull_to)[:, city.use]
    kmh = np.clip(random.normal(15.0, 2.5, len(starts)), 8.0, 22.0)
    dawdlers = random.uniform(size=len(starts)) < 0.12
    dawdling = np.where(dawdlers, random.uniform(1, 4, len(starts)), 1.0)
    unlocking = random.uniform(40, 120, len(starts))
    chance = random.uniform(size=(2, len(starts)))
    beside = random.uniform(-_BESIDE_M, _BESIDE_M, (len(starts), 2))

    fleet = _parked(random, city, pull_to[hours[0] if len(hours) else 0], vehicles, day)
    stands: list[Stand] = []
    for trip, (start, hour) in enumerate(zip(starts, hours, strict=True)):
        gone = int(-(-start // day.poll_seconds))  # first poll that misses the vehicle
        ready = gone - fleet.since >= _STANDING_POLLS
        vehicle = _drawn(pull_from[hour, fleet.place] * ready, chance[0, trip])
        if vehicle is None:
            continue  # nobody finds a vehicle
        place = _drawn(gravity[fleet.place[vehicle]] * pull_to[hour], chance[1, trip])
        if place is None:
            continue  # a map with one place
        stands.extend(_shown(city, fleet, vehicle, gone - 1, day.polls))
        ridden = away[fleet.place[vehicle], place] * _WINDING
        riding = unlocking[trip] + ridden / (kmh[trip] / 3.6) * dawdling[trip]
        fleet.place[vehicle] = place
        fleet.east[vehicle] = city.east[place] + beside[trip, 0]
        fleet.north[vehicle] = city.north[place] + beside[trip, 1]
        back = int(-(-(start + riding) // day.poll_seconds))
        fleet.since[vehicle] = max(back, gone + 1)
    for vehicle in range(vehicles):
        stands.extend(_shown(city, fleet, vehicle, day.polls - 1, day.polls))
    return stands


def _parked(
    random: np.random.Generator, city: LandUse, pull: Floats, vehicles: int, day: ServiceDay
) -> _Fleet:
    """The fleet before the first trip."""
    place = random.choice(len(city.use), vehicles, p=pull / pull.sum())
    beside = random.uniform(-_BESIDE_M, _BESIDE_M, (2, vehicles))
    long_ago = -2 * _WARM_UP_S // day.poll_seconds
    return _Fleet(
        place,
        city.east[place] + beside[0],
        city.north[place] + beside[1],
        np.full(vehicles, long_ago, dtype=np.int64),
    )


def _drawn(weights: Floats, chance: float) -> int | None:
    """An index, drawn in proportion to the weights by one uniform number."""
    total = np.cumsum(weights)
    if not total[-1] > 0:
        return None
    return int(np.searchsorted(total, chance * total[-1], side="right"))


def _shown(city: LandUse, fleet: _Fleet, vehicle: int, last: int, polls: int) -> list[Stand]:
    """The stand of a vehicle up to a poll, as far as it lies within the day."""
    first, last = max(0, int(fleet.since[vehicle])), min(last, polls - 1)
    if first > last:
        return []
    latitude, longitude = city.degrees(fleet.east[vehicle], fleet.north[vehicle])
    return [Stand(vehicle, first, last, float(latitude), float(longitude))]


def _vehicle_id(seed: int, date: dt.date, vehicle: int) -> str:
    digest = hashlib.blake2b(f"{seed}/{date}/{vehicle}".encode(), digest_size=8)
    return digest.hexdigest()
