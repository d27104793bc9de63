"""A day of a fleet as arrays: who stands where from which poll to which."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from infra.replay.geometry import METRES_PER_DEGREE, distance_m, metres_per_degree_of_longitude

JITTER_M = 4.0
"""No sighting is further than this from where the vehicle stands, in metres."""

MAX_RANGE_M = 45_000
_MIN_RANGE_M = 2_000
_WANDERING = 1.3  # metres ridden per metre of straight line

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Stand(NamedTuple):
    """One vehicle standing at one position.

    Attributes:
        vehicle: Index of the vehicle's id.
        first: First poll that sees it there.
        last: Last poll that sees it there.
        latitude: Degrees.
        longitude: Degrees.
        jitter_m: Bound on the distance of its sightings from the position, metres.
    """

    vehicle: int
    first: int
    last: int
    latitude: float
    longitude: float
    jitter_m: float = JITTER_M


class Seen(NamedTuple):
    """What one poll sees: which stands, and the position that each vehicle reports.

    Attributes:
        stand: Indices of the stands, ordered by vehicle.
        latitude_e6: Microdegrees.
        longitude_e6: Microdegrees.
    """

    stand: Integers
    latitude_e6: Integers
    longitude_e6: Integers


@dataclass(frozen=True)
class Timeline:
    """All stands of a fleet's day, as parallel arrays ordered by vehicle and time.

    Attributes:
        ids: Vehicle ids, as the feed shows them.
        vehicle: Index into `ids`, per stand.
        first: First poll of each stand.
        last: Last poll of each stand.
        latitude: Degrees.
        longitude: Degrees.
        jitter_m: Bound on the jitter of the stand's sightings, metres.
        range_m: How far the vehicle can still go, metres.
        keys: One random 64-bit number per vehicle, the seed of its jitter.
    """

    ids: tuple[str, ...]
    vehicle: Integers
    first: Integers
    last: Integers
    latitude: Floats
    longitude: Floats
    jitter_m: Floats
    range_m: Integers
    keys: NDArray[np.uint64]

    def seen(self, poll: int) -> Seen:
        """The sightings of one poll, equal every time it is asked for."""
        stand = np.flatnonzero((self.first <= poll) & (poll <= self.last))
        latitude, longitude = self.latitude[stand], self.longitude[stand]
        noise = random_numbers(self.keys[self.vehicle[stand]], poll)
        # A square with corners at the bound: x and y are independent 32-bit halves.
        side = self.jitter_m[stand] * np.sqrt(2.0)
        north = ((noise >> np.uint64(32)) / 2.0**32 - 0.5) * side
        east = ((noise & np.uint64(0xFFFFFFFF)) / 2.0**32 - 0.5) * side
        latitude = latitude + north / METRES_PER_DEGREE
        longitude = longitude + east / metres_per_degree_of_longitude(latitude)
        return Seen(stand, _microdegrees(latitude), _microdegrees(longitude))


def build_timeline(ids: Sequence[str], stands: Sequence[Stand], seed: int) -> Timeline:
    """Arrange stands into a timeline.

    Args:
        ids: Vehicle ids; stands refer to them by index.
        stands: In any order; those of one vehicle must not overlap.
        seed: Seeds jitter and battery.
    """
    stands = sorted(stands)
    columns = list(zip(*stands, strict=True)) if stands else [()] * len(Stand._fields)
    vehicle, first, last = (np.array(column, dtype=np.int64) for column in columns[:3])
    latitude, longitude, jitter_m = (np.array(column, dtype=np.float64) for column in columns[3:])
    keys = np.array([_key(seed, name) for name in ids], dtype=np.uint64)
    range_m = _ranges(vehicle, latitude, longitude, keys)
    return Timeline(tuple(ids), vehicle, first, last, latitude, longitude, jitter_m, range_m, keys)


def _ranges(
    vehicle: Integers, latitude: Floats, longitude: Floats, keys: NDArray[np.uint64]
) -> Integers:
    """Range at each stand: falls with every ride to the least there is, where it stays."""
    if not len(vehicle):
        return np.zeros(0, dtype=np.int64)
    ridden = np.zeros(len(vehicle))
    same = vehicle[1:] == vehicle[:-1]
    step = distance_m(latitude[:-1], longitude[:-1], latitude[1:], longitude[1:])
    ridden[1:] = np.where(same, step, 0.0) * _WANDERING
    total = np.cumsum(ridden)
    start_of = np.searchsorted(vehicle, vehicle)
    usable = MAX_RANGE_M - _MIN_RANGE_M
    charge = random_numbers(keys[vehicle], -1) / 2.0**64 * usable
    left = np.maximum(charge - (total - total[start_of]), 0)
    return (_MIN_RANGE_M + left).astype(np.int64)


def _microdegrees(degrees: Floats) -> Integers:
    microdegrees: Integers = np.rint(degrees * 1e6).astype(np.int64)
    return microdegrees


def _key(seed: int, name: str) -> int:
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def random_numbers(keys: NDArray[np.uint64], turn: int | Integers) -> NDArray[np.uint64]:
    """A random 64-bit number per key and turn, which is -2 or more (the splitmix64 finaliser)."""
    z: NDArray[np.uint64] = keys + np.asarray(turn + 2).astype(np.uint64) * np.uint64(
        0x9E3779B97F4A7C15
    )
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
