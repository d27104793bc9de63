import datetime as dt
import logging

import pytest

from tasks.files import Layout
from tasks.journal import JournalError, UnseenFeedError, read_day
from tasks.poll import poll_shift
from tasks.seal import seal
from tests.tasks.conftest import DAY, START, FeedServer, Reply, minutes, region_of, replayed

pytestmark = pytest.mark.usefixtures("tasks_alone")


def test_a_shift_goes_to_the_feeds_journal(feed_server: FeedServer, layout: Layout) -> None:
    url = feed_server.serve_in_turn("/v", replayed(minutes(0, 30, 60, 90), count=5))
    region = region_of(url, clock="feed")
    report = poll_shift(region, "feed", DAY, START + dt.timedelta(hours=1))
    assert report == {
        "polls": 3,
        "sightings": 15,
        "outcomes": {"ok": 3},
        "repeated": 0,
        "last_fetched_at": "2026-05-20T01:00:00+00:00",
        "ended": False,
    }
    assert poll_shift(region, "feed", DAY)["ended"]
    assert len(read_day(layout.journal("test", "feed"), DAY).polls) == 5


def test_each_shift_says_one_line(
    feed_server: FeedServer, layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    failed = Reply(b"", 500, date=minutes(1)[0])
    url = feed_server.serve_in_turn("/v", [*replayed(minutes(0)), failed, *replayed(minutes(1, 2))])
    with caplog.at_level(logging.INFO):
        poll_shift(region_of(url, clock="feed"), "feed", DAY)
    ours = [record for record in caplog.records if record.pathname.endswith("tasks/poll.py")]
    assert [record.getMessage() for record in ours] == [
        "feed: 5 polls (1 failed), 9 sightings, seen until 2026-05-20 00:02, the feed is over"
    ]
    warnings = [
        record.getMessage() for record in caplog.records if "HTTP 500" in record.getMessage()
    ]
    assert len(warnings) == 1


def test_a_sealed_day_collects_nothing_more(feed_server: FeedServer, layout: Layout) -> None:
    url = feed_server.serve_in_turn("/v", replayed(minutes(0, 1)))
    region = region_of(url, clock="feed")
    poll_shift(region, "feed", DAY)
    seal(region, DAY)
    requests = len(feed_server.requests)
    report = poll_shift(region, "feed", DAY)
    assert (report["polls"], report["ended"]) == (0, True)
    assert len(feed_server.requests) == requests


def test_bad_input_gives_one_line(feed_server: FeedServer, layout: Layout) -> None:
    region = region_of(feed_server.serve("/v", b"<html>"), clock="feed")
    with pytest.raises(UnseenFeedError, match="outcome not_json, HTTP 200"):
        poll_shift(region, "feed", DAY)
    (layout.root / "private" / "test").rename(layout.root / "private" / "other")
    other = region.model_copy(update={"id": "other"})
    with pytest.raises(JournalError, match="this journal has region 'test', not 'other'"):
        poll_shift(other, "feed", DAY)
