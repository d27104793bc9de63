"""Whole journeys: a feed on loopback, collected, sealed and derived as a region's night does it."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from infra.replay import Source
from infra.replay.feeds import TimelineFeed
from infra.replay.timeline import Stand, build_timeline
from tasks.files import Layout
from tasks.gbfs import FeedError
from tasks.journal import Journal, UnseenFeedError, run_shift, seal_day
from tasks.region import Feed, Region
from tests.tasks.conftest import FeedServer

DAY = dt.date(2026, 5, 20)


class EveryNth:
    """A source that plays every n-th poll of another."""

    def __init__(self, source: Source, n: int) -> None:
        self._source = source
        self._n = n
        self.versions = source.versions
        self.polls = source.polls // n

    def time(self, poll: int) -> int:
        return self._source.time(poll * self._n)

    def tag(self, version: str, poll: int) -> str:
        return self._source.tag(version, poll * self._n)

    def vehicle_status(self, version: str, poll: int) -> bytes:
        return self._source.vehicle_status(version, poll * self._n)

    def documents(self, version: str, poll: int) -> dict[str, bytes]:
        return self._source.documents(version, poll * self._n)


LOUISVILLE = {"name": "louisville", "south": 38.18, "west": -85.82, "north": 38.30, "east": -85.64}
"""The box in which the simulated city lies."""


@pytest.fixture
def layout(data_root: Path) -> Layout:
    return Layout(data_root)


@pytest.fixture
def feed_server() -> Iterator[FeedServer]:
    server = FeedServer()
    yield server
    server.stop()


def region_of(
    feeds: dict[str, str],
    box: dict[str, Any] | None = None,
    of_each_feed: dict[str, Any] | None = None,
    **more: Any,
) -> Region:
    """A region whose feeds, URLs by id, are read on their own clock, once a minute."""
    return Region.model_validate(
        {
            "id": "test",
            "name": "Test city",
            "time_zone": "America/Kentucky/Louisville",
            "service_area": [box or LOUISVILLE],
            "feeds": [
                {
                    "id": name,
                    "url": url,
                    "poll_seconds": 60,
                    "clock": "feed",
                    **(of_each_feed or {}),
                }
                for name, url in feeds.items()
            ],
            **more,
        }
    )


def collect(region: Region, layout: Layout, day: dt.date = DAY) -> None:
    """One shift for each feed, to the end of its day; one that cannot be read is left alone."""
    for feed in region.feeds:
        try:
            shift(region, feed, layout, day)
        except (UnseenFeedError, FeedError):
            continue


def collect_whole_day(region: Region, layout: Layout, day: dt.date = DAY) -> dict[str, Any]:
    """Shifts until every feed says that it is over, then the seal; returns its manifest."""
    for feed in region.feeds:
        for _ in range(20):
            try:
                if shift(region, feed, layout, day):
                    break
            except UnseenFeedError:
                continue
        else:
            raise AssertionError(f"{feed.id} is not over after 20 shifts")
    return seal_day(region, day, layout)


def shift(
    region: Region,
    feed: Feed,
    layout: Layout,
    day: dt.date = DAY,
    until: dt.datetime | None = None,
) -> bool:
    """One shift of one feed; returns whether the feed said that it is over."""
    with Journal(layout.journal(region.id, feed.id), region.id, feed.id, region.zone) as journal:
        return run_shift(region, feed, journal, day, until).ended


def sealed_rows(region: Region, layout: Layout, feed: str, day: dt.date = DAY) -> list[Any]:
    """The sealed sightings of a feed, one dictionary a row."""
    path = layout.sightings(region.id, day) / f"{feed}.parquet"
    return list(pq.read_table(path).to_pylist())


def seen_while_ridden(city: TimelineFeed) -> TimelineFeed:
    """The same day of a feed that shows vehicles on their way, on a straight line."""
    day = city.timeline
    stands = []
    for i, vehicle in enumerate(day.vehicle.tolist()):
        here = (float(day.latitude[i]), float(day.longitude[i]))
        stands.append(Stand(vehicle, int(day.first[i]), int(day.last[i]), *here))
        if i + 1 == len(day.vehicle) or day.vehicle[i + 1] != vehicle:
            continue
        gone, back = int(day.last[i]), int(day.first[i + 1])
        for poll in range(gone + 1, back):
            share = (poll - gone) / (back - gone)
            there = (float(day.latitude[i + 1]), float(day.longitude[i + 1]))
            place = [a + share * (b - a) for a, b in zip(here, there, strict=True)]
            stands.append(Stand(vehicle, poll, poll, *place))
    return TimelineFeed(build_timeline(day.ids, stands, 0), city.day, "riding", "Seen riding")
