"""A small fleet whose feed names its vehicles by one regime or another; no file, no server."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.schema import POLLS, SIGHTINGS

MIDNIGHT_MS = 1_790_000_000_000 - 1_790_000_000_000 % 86_400_000
MINUTE_MS = 60_000


@dataclass(frozen=True)
class Fleet:
    """Vehicles on a square of some kilometres that are ridden now and then.

    Attributes:
        vehicles: How many.
        polls: How many polls.
        minutes: Between two polls.
        rides: Mean number of rides of a vehicle in the day.
        seed: Of the generator.
        absences: Mean number of times a vehicle is gone and back in its place.
        visible: Whether a vehicle stays in the feed while it is ridden.
    """

    vehicles: int = 60
    polls: int = 480
    minutes: int = 3
    rides: float = 3.0
    seed: int = 0
    absences: float = 0.5
    visible: bool = False


NameOf = Callable[[int, int, int], str]
"""The id of a vehicle in a poll, from vehicle, number of rides it has finished, and poll."""


def static(vehicle: int, ridden: int, poll: int) -> str:
    return f"v{vehicle}"


def per_trip(vehicle: int, ridden: int, poll: int) -> str:
    return f"v{vehicle}-{ridden}"


def per_poll(vehicle: int, ridden: int, poll: int) -> str:
    return f"v{vehicle}-{poll}"


def periodic(polls: int) -> NameOf:
    return lambda vehicle, ridden, poll: f"v{vehicle}-{poll // polls}"


def then(first: NameOf, second: NameOf, at: int) -> NameOf:
    """One regime before a poll, another from then on."""
    return lambda vehicle, ridden, poll: (
        "a" + first(vehicle, ridden, poll) if poll < at else "b" + second(vehicle, ridden, poll)
    )


def gradual(at: int) -> NameOf:
    """Static; from a poll on each vehicle gets a new id after each ride, but not before."""
    before: dict[int, int] = {}

    def name_of(vehicle: int, ridden: int, poll: int) -> str:
        if poll < at:
            before[vehicle] = ridden
        return f"v{vehicle}-{ridden - before.get(vehicle, 0) if poll >= at else 0}"

    return name_of


def one_by_one(vehicle: int, ridden: int, poll: int) -> str:
    """The clock changes ids while the vehicles stand, each at a time of its own."""
    return f"v{vehicle}-{(poll + 13 * vehicle) // 60}-{ridden}"


def positions_in_the_list(vehicles: int) -> NameOf:
    """The same ids in every poll, but not for the same vehicles."""
    return lambda vehicle, ridden, poll: f"{(vehicle + 7 * poll) % vehicles}"


@dataclass(frozen=True)
class Day:
    """What was collected, and what really happened.

    Attributes:
        sightings: Schema `tasks.schema.SIGHTINGS`, sorted.
        polls: Schema `tasks.schema.POLLS`.
        starts: Poll in which each ridden vehicle was last seen before its ride, and place; of
            vehicles that are absent when the day ends, too.
        ends: Poll in which it was first seen after the ride, and place.
    """

    sightings: pa.Table
    polls: pa.Table
    starts: list[tuple[int, int, int]]
    ends: list[tuple[int, int, int]]

    def cut(self, rows: int) -> list[pa.Table]:
        return [self.sightings.slice(i, rows) for i in range(0, self.sightings.num_rows, rows)]


def simulate(fleet: Fleet, name_of: NameOf) -> Day:
    generator = np.random.default_rng(fleet.seed)
    rows: list[tuple[str, int, int, int]] = []
    starts, ends = [], []
    for vehicle in range(fleet.vehicles):
        place = generator.integers(0, 40_000, 2)
        poll = ridden = 0
        while poll < fleet.polls:
            stay = 1 + int(generator.exponential(fleet.polls / (fleet.rides + fleet.absences)))
            until = min(poll + stay, fleet.polls)
            for k in range(poll, until):
                rows.append((name_of(vehicle, ridden, k), k, *place.tolist()))
            away = int(generator.integers(1, 8))
            poll = until + away
            if generator.random() < fleet.absences / (fleet.rides + fleet.absences):
                if until < fleet.polls <= poll:
                    starts.append((until - 1, *place.tolist()))
                continue
            goal = generator.integers(0, 40_000, 2)
            goal[0] += 2_000 if goal[0] >= place[0] else -2_000  # over 200 m away
            if fleet.visible:
                for k in range(until, min(poll, fleet.polls)):
                    share = (k - until + 1) / (away + 1)
                    at = (place + share * (goal - place)).astype(int)
                    rows.append((name_of(vehicle, ridden, k), k, *at.tolist()))
            if until < fleet.polls:
                starts.append((until - 1, *place.tolist()))
            place, ridden = goal, ridden + 1
            if poll < fleet.polls:
                ends.append((poll, *place.tolist()))
    return Day(_sightings(sorted(rows), fleet), _polls(fleet), starts, ends)


def time_of(poll: int, fleet: Fleet) -> int:
    return MIDNIGHT_MS + poll * fleet.minutes * MINUTE_MS


def moment_of(poll: int, fleet: Fleet) -> dt.datetime:
    return dt.datetime.fromtimestamp(time_of(poll, fleet) / 1000, dt.UTC)


def degrees_of(place: tuple[int, int]) -> tuple[float, float]:
    return (50_400_000 + place[0]) / 1e6, (8_400_000 + place[1]) / 1e6


def _sightings(rows: list[tuple[str, int, int, int]], fleet: Fleet) -> pa.Table:
    nothing = [None] * len(rows)
    columns = {
        "vehicle_id": [row[0] for row in rows],
        "fetched_at": [time_of(row[1], fleet) for row in rows],
        "latitude_e6": [50_400_000 + row[2] for row in rows],
        "longitude_e6": [8_400_000 + row[3] for row in rows],
    }
    return pa.table(
        {name: columns.get(name, nothing) for name in SIGHTINGS.names}, SIGHTINGS.arrow()
    )


def _polls(fleet: Fleet) -> pa.Table:
    filler = {"feed": "f", "outcome": "ok", "latency_ms": 1, "bytes": 0, "vehicles": 0}
    times = [time_of(poll, fleet) for poll in range(fleet.polls)]
    rows = [{"due_at": at, "fetched_at": at, "quarantined": [], **filler} for at in times]
    return pa.Table.from_pylist(rows, schema=POLLS.arrow())
