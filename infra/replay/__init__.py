"""A server that plays a recorded or simulated day as a live GBFS feed, on loopback."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

from infra.replay.captures import CapturedFeed
from infra.replay.chaos import Chaos
from infra.replay.city import city_timeline
from infra.replay.day import ServiceDay
from infra.replay.feeds import TimelineFeed
from infra.replay.fleet import fleet_timeline
from infra.replay.server import Answer, Faults, ReplayServer, Served
from infra.replay.service_box import LOUISVILLE, ServiceBox, parse_box
from infra.replay.source import ReplayError, Source
from infra.replay.trip_table import read_trips

__all__ = [
    "LOUISVILLE",
    "Answer",
    "Chaos",
    "Faults",
    "ReplayError",
    "ReplayServer",
    "Served",
    "ServiceBox",
    "Source",
    "captured",
    "city_day",
    "parse_box",
    "trips_day",
]

CITY_TIME_ZONE = "America/Kentucky/Louisville"
"""Time zone of the simulated city in its default box."""

TRIPS_TIME_ZONE = "Etc/GMT-4"
"""A time zone whose midnight is 20 UTC, where the day of a table of trips begins."""


def captured(
    directory: Path,
    date: dt.date | None = None,
    time_zone: str = "UTC",
    poll_seconds: int = 60,
) -> CapturedFeed:
    """A folder of captured vehicle-status bodies (.json, .json.gz), or one local day of it.

    Raises:
        ReplayError: If there is nothing to play, or a body is no GBFS.
    """
    return CapturedFeed(directory, date, time_zone, poll_seconds)


def trips_day(
    table: Path,
    date: dt.date,
    time_zone: str = TRIPS_TIME_ZONE,
    poll_seconds: int = 60,
    seed: int = 0,
    *,
    id_regime: str = "static",
) -> TimelineFeed:
    """A CSV table of trips played as a fleet; `time_zone` says at which UTC hour the day begins.

    Played on two days it is two fleets, since no vehicle ends a day where its table begins the
    next: ids carry the date, and nothing jumps at midnight.

    Raises:
        ReplayError: If the table cannot be read, the day cannot hold it, or there is no such id
            regime.
    """
    day = ServiceDay(date, time_zone, poll_seconds)
    timeline = fleet_timeline(read_trips(table), day, seed)
    timeline = replace(timeline, ids=tuple(f"{name}-{date:%Y%m%d}" for name in timeline.ids))
    return TimelineFeed(timeline, day, "replayed_trips", "Replay of a table of trips", id_regime)


def city_day(
    date: dt.date,
    time_zone: str = CITY_TIME_ZONE,
    box: ServiceBox = LOUISVILLE,
    poll_seconds: int = 60,
    seed: int = 0,
    *,
    vehicles: int = 800,
    trips: int = 8_000,
    id_regime: str = "static",
) -> TimelineFeed:
    """A day of a simulated city in a box; `trips` is expected of an average day.

    Raises:
        ReplayError: If the time zone, `poll_seconds` or the id regime is wrong.
    """
    day = ServiceDay(date, time_zone, poll_seconds)
    timeline = city_timeline(day, seed, box, vehicles, trips)
    return TimelineFeed(timeline, day, "simulated_city", "Simulated city", id_regime)
