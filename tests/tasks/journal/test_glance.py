import datetime as dt
from pathlib import Path

import pytest

from tasks.files import Layout
from tasks.gbfs import FeedError
from tasks.journal.glance import MOST_MINUTES, Glance
from tasks.region import Feed
from tasks.region.service_day import day_bounds
from tests.tasks.conftest import (
    START,
    FeedServer,
    Reply,
    Timekeeper,
    minutes,
    replayed,
    vehicles,
)


@pytest.mark.parametrize("hour", range(24))
def test_the_longest_glance_ends_on_the_day_it_begins(hour: int, tmp_path: Path) -> None:
    feed = Feed(id="look", url="https://town.example/gbfs.json")
    for minute in (0, 59):
        begun = START + dt.timedelta(hours=hour, minutes=minute)
        glance = Glance(feed, begun, Timekeeper(begun), Layout(tmp_path))
        start, end = day_bounds(glance.day, glance.zone)
        assert start <= begun
        assert begun + dt.timedelta(minutes=MOST_MINUTES) < end


def test_a_server_on_this_machine_with_another_time_is_read_by_its_own_clock(
    feed_server: FeedServer, layout: Layout
) -> None:
    url = feed_server.serve("/v", Reply(vehicles(3), date=START))
    hour = dt.timedelta(hours=1)
    assert Glance.at(url, Timekeeper(START), layout).feed.clock == "wall"
    replay = Glance.at(url, Timekeeper(START + hour), layout)
    assert (replay.feed.clock, replay.begun) == ("feed", START)


@pytest.mark.parametrize("second", [0, 30, 57, 58, 59])
def test_the_first_poll_is_one_whatever_the_second(
    feed_server: FeedServer, layout: Layout, second: int
) -> None:
    clock = Timekeeper(START + dt.timedelta(seconds=second))
    url = feed_server.serve("/v", lambda _: Reply(vehicles(3, at=clock.time), date=clock.time))
    glance = Glance.at(url, clock, layout)
    asked = len(feed_server.requests)
    glance.see_first()
    assert len(feed_server.requests) == asked + 1
    glance.see(5, (), lambda line: None)
    assert glance.seal()["outcomes"] in ({"ok": 5}, {"ok": 6})


def test_a_replay_that_runs_on_to_another_day_says_so(
    feed_server: FeedServer, layout: Layout
) -> None:
    url = feed_server.serve_in_turn("/v", replayed(minutes(0, 3000, 3001)))
    glance = Glance.at(url, Timekeeper(START + dt.timedelta(days=9)), layout)
    with pytest.raises(FeedError, match="its clock runs on to another day; give the URL of its"):
        glance.see_first()
