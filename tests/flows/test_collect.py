"""The flow that collects, on a real Prefect server."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from prefect.server.schemas.schedules import CronSchedule

from flows.collect import _shift_ends, collect
from tasks.deploy import shift_cron
from tasks.files import Layout
from tasks.gbfs import FeedError
from tasks.journal import Journal, UnseenFeedError, read_day
from tasks.region import Region
from tests.tasks.conftest import (
    DAY,
    START,
    FeedServer,
    Reply,
    minutes,
    region_of,
    replayed,
    vehicles,
)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    feed_server = FeedServer()
    yield feed_server
    feed_server.stop()


def test_a_feed_that_fails_costs_the_others_nothing(
    server: FeedServer, data_root: Path, prefect_api: str
) -> None:
    good = server.serve_in_turn("/good", replayed(minutes(0, 30, 61, 62)))
    bad = server.serve("/bad", Reply(b"<html>"))
    region = region_of(bad, good, clock="feed")
    reports = collect(region, DAY, shifts=2)
    assert [report["feed"] for report in reports] == ["feed", "feed-1"] * 2
    assert "not JSON" in reports[0]["error"]
    assert "not JSON" in reports[2]["error"]  # it was tried again
    assert [report["polls"] for report in reports if "polls" in report] == [3, 2]
    layout = Layout(data_root)
    assert len(read_day(layout.journal("test", "feed-1"), DAY).polls) == 5
    # when every feed fails, so does the flow
    with (
        Journal(layout.journal("test", "feed-1"), "test", "feed-1", region.zone),
        pytest.raises(UnseenFeedError, match="not JSON"),
    ):
        collect(region, DAY)


def test_a_day_goes_on_after_a_shift_that_failed(
    server: FeedServer, data_root: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = region_of("${FEED_URL}", poll_seconds=3600)
    server.serve("/v", vehicles(2))

    def two_shifts(*_: object) -> Iterator[dt.datetime]:
        """In the first one the feed's URL is not known yet."""
        monkeypatch.delenv("FEED_URL", raising=False)
        yield dt.datetime.now(dt.UTC)
        monkeypatch.setenv("FEED_URL", f"{server.url}/v")
        yield dt.datetime.now(dt.UTC) + dt.timedelta(seconds=20)

    monkeypatch.setattr("flows.collect._shift_ends", two_shifts)
    first, second = collect(region, shifts=None)
    assert "the environment variable FEED_URL" in first["error"]
    assert second["outcomes"] == {"ok": 1}
    with pytest.raises(FeedError, match="FEED_URL"):  # a scheduled shift has a next one
        collect(region, shifts=2)
    monkeypatch.setattr("flows.collect._shift_ends", lambda *_: islice(two_shifts(), 1))
    with pytest.raises(FeedError, match="FEED_URL"):
        collect(region, shifts=None)


def test_a_shift_that_fails_at_once_costs_neither_the_day_nor_its_next_shifts(
    server: FeedServer, data_root: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = region_of("${FEED_URL}", poll_seconds=60)
    server.serve("/v", vehicles(2))
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=3)
    slept: list[dt.datetime] = []
    monkeypatch.setattr("flows.collect.sleep_until", slept.append)

    def shifts(*is_known: bool) -> Iterator[dt.datetime]:
        for known in is_known:
            if known:
                monkeypatch.setenv("FEED_URL", f"{server.url}/v")
                yield dt.datetime.now(dt.UTC) + dt.timedelta(seconds=15)
            else:
                monkeypatch.delenv("FEED_URL", raising=False)
                yield later

    monkeypatch.setattr("flows.collect._shift_ends", lambda *_: shifts(False, True))
    with pytest.raises(FeedError, match="FEED_URL"):
        collect(region, shifts=None)
    assert slept == []
    monkeypatch.setattr("flows.collect._shift_ends", lambda *_: shifts(True, False, True))
    reports = collect(region, shifts=None)
    assert ["error" in report for report in reports] == [False, True, False]
    assert slept == [later]


@pytest.mark.parametrize(
    ("now", "length", "ends"),
    [
        ("10:00:01", 60, ["11:00", "12:00"]),
        ("10:40:00", 60, ["11:00", "12:00"]),
        ("10:59:30", 60, ["12:00", "13:00"]),
        ("10:10:00", 15, ["10:15", "10:30"]),
        ("10:14:20", 15, ["10:30", "10:45"]),
        ("10:10:00", 240, ["12:00", "16:00"]),
        ("23:59:30", 60, ["00:00"]),
        ("10:10:00", 1440, ["00:00"]),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_shifts_end_when_the_next_begins_and_a_late_one_catches_up(
    now: str, length: int, ends: list[str], zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = dt.datetime.fromisoformat(f"{DAY}T{now}").replace(tzinfo=ZoneInfo(zone))

    class Fixed(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> "Fixed":
            return cls.fromtimestamp(moment.timestamp(), tz)

    region = region_of("http://a.example/").model_copy(
        update={"time_zone": zone, "shift_minutes": length}
    )
    monkeypatch.setattr(dt, "datetime", Fixed)
    assert [
        f"{end.astimezone(region.zone):%H:%M}" for end in _shift_ends(region, DAY, 2, None)
    ] == ends


@pytest.mark.parametrize(
    ("day", "shifts"), [("2026-03-29", 23), ("2026-05-20", 24), ("2026-10-25", 25)]
)
def test_a_day_has_as_many_shifts_as_hours(day: str, shifts: int) -> None:
    region = region_of("http://a.example/", clock="feed").model_copy(
        update={"time_zone": "Europe/Berlin"}
    )
    ends = list(_shift_ends(region, dt.date.fromisoformat(day), None, None))
    assert len(ends) == shifts
    assert all(b - a == dt.timedelta(hours=1) for a, b in pairwise(ends))


@pytest.mark.parametrize("length", get_args(Region.model_fields["shift_minutes"].annotation))
def test_shifts_begin_on_schedule_where_the_one_before_ended(length: int) -> None:
    region = region_of("http://a.example/").model_copy(update={"shift_minutes": length})
    replayed = region_of("http://a.example/", clock="feed").model_copy(
        update={"shift_minutes": length}
    )
    ends = list(_shift_ends(replayed, DAY, None, None))
    schedule = CronSchedule(cron=shift_cron(region), timezone="UTC")
    assert asyncio.run(schedule.get_dates(len(ends), start=START + dt.timedelta(seconds=1))) == ends
