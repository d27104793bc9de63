"""The flow that collects, on a real Prefect server."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.collect import SHIFT, _shift_ends, collect
from tasks.files import Layout
from tasks.journal import Journal, UnseenFeedError, read_day
from tests.tasks.conftest import DAY, FeedServer, Reply, minutes, region_of, replayed


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


@pytest.mark.parametrize(
    ("now", "first"),
    [("10:00:01", "11:00"), ("10:40:00", "11:00"), ("10:59:30", "12:00"), ("23:59:30", "00:00")],
)
def test_shifts_end_on_the_hour_and_a_late_one_catches_up(
    now: str, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = dt.datetime.fromisoformat(f"{DAY}T{now}+00:00")

    class Fixed(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> "Fixed":
            return cls.fromtimestamp(moment.timestamp(), tz)

    monkeypatch.setattr(dt, "datetime", Fixed)
    ends = list(_shift_ends(region_of("http://a.example/"), DAY, 2, None))
    assert f"{ends[0]:%H:%M}" == first
    assert all(end - moment <= 2 * SHIFT + dt.timedelta(minutes=1) for end in ends)
