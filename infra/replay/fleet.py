"""A table of trips played as a fleet: every trip becomes exactly one move of one vehicle.

A trip takes three polls or more: the vehicle stands at the origin (one poll, two where the hour
has room), is away while ridden, and stands at the destination. The table says only in which hour a
trip ends and leaves the order within an hour open, so the trips of one vehicle and hour are put in
the order in which each begins as near as possible to where the one before has ended.

Where that cannot be shown as the way of one vehicle, it becomes the way of two: a vehicle gets a
new id when its next trip begins elsewhere than where it stands (the operator has carried it), and
when the ride before leaves no time for the next one.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infra.replay.day import ServiceDay
from infra.replay.geometry import between_m
from infra.replay.source import ReplayError
from infra.replay.timeline import JITTER_M, Floats, Stand, Timeline, build_timeline
from infra.replay.trip_table import MOVE_M, TripTable

MAX_SPEED_KMH = 40.0
"""No ride's straight line is faster, unless its hour ends too soon after the day's beginning."""

_RIDE_KMH = (6.0, 16.0)  # straight-line speeds of an unhurried ride
_ROUNDING_M = 0.2  # two sightings rounded to microdegrees
_HELLO_POLLS = 9  # how long an id that stands for no other one is seen before and after its rides
_ID_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


@dataclass(frozen=True)
class _Rides:
    """What playing needs to know of each trip, in polls; parallel to the table."""

    earliest: NDArray[np.int64]  # first poll of the hour in which the trip ends
    latest: NDArray[np.int64]  # last poll of that hour
    shortest: NDArray[np.int64]  # polls from origin to destination at the highest speed
    unhurried: NDArray[np.int64]  # polls from origin to destination at a rider's speed
    luck: NDArray[np.float64]  # where in the time left to it the trip ends, 0 to 1


@dataclass(frozen=True)
class _Ride:
    trip: int
    departs: int  # last poll that sees the vehicle at the origin
    arrives: int  # first poll that sees it at the destination


def fleet_timeline(table: TripTable, day: ServiceDay, seed: int) -> Timeline:
    """Play each trip of a table once, in the hour in which it ends.

    Args:
        table: The trips.
        day: The service day; it begins on a full UTC hour and has 24 hours.
        seed: Seeds times within the hour, new ids, jitter and battery.

    Raises:
        ReplayError: If the day cannot hold each UTC hour once.
    """
    rides = _rides(table, day, seed)
    stands: list[Stand] = []
    ids: list[str] = []
    taken = set(table.vehicle)
    for name, trips in _by_vehicle(table, rides).items():
        lives = _lives(table, rides, trips, day.polls)
        for number, life in enumerate(lives):
            stands.extend(life_stand._replace(vehicle=len(ids)) for life_stand in life)
            ids.append(_new_id(seed, name, number, taken) if number else name)
    return build_timeline(ids, stands, seed)


def _rides(table: TripTable, day: ServiceDay, seed: int) -> _Rides:
    if day.start % 3600 or day.end - day.start != 24 * 3600:
        raise ReplayError(
            f"{day.date} in {day.time_zone} does not hold each UTC hour once, as a table of trips "
            "by UTC hour needs; choose another day or time zone"
        )
    hour_polls = 3600 // day.poll_seconds
    earliest = (table.hour - day.start // 3600) % 24 * hour_polls
    latest = earliest + hour_polls - 1
    random = np.random.default_rng([seed, 1])
    metres_per_poll = day.poll_seconds / 3.6  # at 1 km/h
    distance = table.distance_m
    shortest = np.ceil(distance / (MAX_SPEED_KMH * metres_per_poll)).astype(np.int64)
    shortest = np.minimum(np.maximum(shortest, 2), latest)
    speed = random.uniform(*_RIDE_KMH, len(table))
    unhurried = np.ceil(distance / (speed * metres_per_poll)).astype(np.int64)
    return _Rides(earliest, latest, shortest, unhurried, random.uniform(0, 1, len(table)))


def _by_vehicle(table: TripTable, rides: _Rides) -> dict[str, list[int]]:
    """The trips of each vehicle in the order in which they are played."""
    hours: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for trip in range(len(table)):
        hours[table.vehicle[trip]][int(rides.earliest[trip])].append(trip)
    ordered = {}
    for name in sorted(hours):
        trips: list[int] = []
        for _, group in sorted(hours[name].items()):
            trips.extend(_linked(table, group, trips[-1] if trips else None))
        ordered[name] = trips
    return ordered


def _linked(table: TripTable, group: list[int], before: int | None) -> list[int]:
    """Trips of one hour, each followed by the one with the nearest origin."""
    if len(group) == 1:
        return group
    left = np.array(group)
    if before is None:
        origins, ends = table.origin[left], table.destination[left]
        gaps = between_m(ends[:, None], origins)
        np.fill_diagonal(gaps, np.inf)
        first = int(gaps.min(axis=0).argmax())  # the origin at which no other trip ends
        linked, left = [int(left[first])], np.delete(left, first)
    else:
        linked = []
    while len(left):
        here = table.destination[linked[-1] if linked else before]
        nearest = int(between_m(here, table.origin[left]).argmin())
        linked.append(int(left[nearest]))
        left = np.delete(left, nearest)
    return linked


def _lives(
    table: TripTable, rides: _Rides, trips: Sequence[int], polls: int
) -> Iterator[list[Stand]]:
    """The stands of one vehicle, parted by the ids under which it is seen."""
    chains = [_timed(rides, chain) for chain in _chains(rides, trips)]
    for number, chain in enumerate(chains):
        begin = max(0, chain[0].departs - _HELLO_POLLS) if number else 0
        more = number + 1 < len(chains)
        end = min(polls - 1, chain[-1].arrives + _HELLO_POLLS) if more else polls - 1
        yield from _parted(table, chain, begin, end)


def _chains(rides: _Rides, trips: Sequence[int]) -> list[list[int]]:
    """Part a vehicle's trips where the hour of one ends before it could be ridden.

    A chain's first trip may start with the day; the ride is then as long as it needs to be.
    """
    chains: list[list[int]] = []
    free = 0  # first poll that can see the vehicle at the next origin
    for trip in trips:
        arrival = max(rides.earliest[trip], free + rides.shortest[trip])
        if not chains or arrival > rides.latest[trip]:
            chains.append([])
            arrival = max(rides.earliest[trip], rides.shortest[trip])
        chains[-1].append(trip)
        free = arrival + 1
    return chains


def _timed(rides: _Rides, chain: Sequence[int]) -> list[_Ride]:
    """Give each trip of a chain its polls, spread over the time that the others leave to it."""
    deadlines = [int(rides.latest[chain[-1]])]
    for before, after in zip(chain[-2::-1], chain[:0:-1], strict=True):
        start = deadlines[-1] - int(rides.shortest[after])
        deadlines.append(min(int(rides.latest[before]), start - 1))
    deadlines.reverse()
    timed = []
    free = 0
    for place, (trip, deadline) in enumerate(zip(chain, deadlines, strict=True)):
        shortest = int(rides.shortest[trip])
        soonest = max(int(rides.earliest[trip]), min(free + shortest + 1, deadline))
        rivals = sum(rides.earliest[other] == rides.earliest[trip] for other in chain[place:])
        arrives = soonest + int(rides.luck[trip] * (deadline - soonest + 1) / rivals)
        room = arrives - free - 1  # keeps two polls at the origin
        length = max(shortest, min(int(rides.unhurried[trip]), room))
        timed.append(_Ride(trip, arrives - length, arrives))
        free = arrives + 1
    return timed


def _parted(
    table: TripTable, chain: Sequence[_Ride], begin: int, end: int
) -> Iterator[list[Stand]]:
    """The stands of a chain, parted where the next trip begins elsewhere."""
    nearby = MOVE_M - 2 * JITTER_M - _ROUNDING_M
    life: list[Stand] = []
    since = begin
    for ride, after in zip(chain, [*chain[1:], None], strict=True):
        origin, destination = table.origin[ride.trip], table.destination[ride.trip]
        jitter = _jitter(float(between_m(origin, destination)))
        life.append(_stand(since, ride.departs, origin, jitter))
        until = (ride.arrives + after.departs - 1) // 2 if after else end
        life.append(_stand(ride.arrives, until, destination, jitter))
        since = until + 1
        if after is None or between_m(destination, table.origin[after.trip]) > nearby:
            yield life
            life = []


def _stand(first: int, last: int, position: Floats, jitter_m: float) -> Stand:
    return Stand(0, first, last, float(position[0]), float(position[1]), jitter_m)


def _jitter(distance: float) -> float:
    """A bound that cannot hide a move of this many metres."""
    return min(JITTER_M, (distance - MOVE_M - _ROUNDING_M) / 2)


def _new_id(seed: int, name: str, number: int, taken: set[str]) -> str:
    """An id like the others that no other vehicle has."""
    attempt = 0
    while True:
        digest = hashlib.blake2b(f"{seed}/{name}/{number}/{attempt}".encode(), digest_size=6)
        rest, letters = int.from_bytes(digest.digest(), "big"), []
        for _ in range(6):
            rest, letter = divmod(rest, len(_ID_ALPHABET))
            letters.append(_ID_ALPHABET[letter])
        new = "".join(letters)
        if new not in taken:
            taken.add(new)
            return new
        attempt += 1
