import datetime as dt
import gzip
import json
import random
import re
from contextlib import suppress
from email.utils import format_datetime
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tasks.files import Layout
from tasks.gbfs import parse
from tasks.journal import Journal, JournalDay, Shift, UnseenFeedError, read_day, run_shift, seal_day
from tasks.journal.coverage import coverage, gaps
from tasks.journal.shift import MAX_FAILURES, MAX_STANDSTILL
from tasks.region import Box, Region
from tests.tasks.conftest import (
    DAY,
    START,
    FeedServer,
    Reply,
    Timekeeper,
    gzipped,
    minutes,
    region_of,
    replayed,
    vehicles,
)

END = START + dt.timedelta(days=1)


def run(region: Region, layout: Layout, **more: Any) -> Shift:
    feed = region.feeds[0]
    directory = layout.journal(region.id, feed.id)
    with Journal(directory, region.id, feed.id, region.zone) as journal:
        return run_shift(region, feed, journal, more.pop("day", DAY), **more)


def collected(layout: Layout, day: dt.date = DAY) -> JournalDay:
    return read_day(layout.journal("test", "feed"), day)


def at(day: JournalDay) -> list[float]:
    return [(poll.fetched_at - START).total_seconds() / 60 for poll in day.polls]


# The clock of a feed


def test_a_replay_is_collected_by_its_own_clock(feed_server: FeedServer, layout: Layout) -> None:
    url = feed_server.serve_in_turn("/v", replayed(minutes(0, 1, 2.5), count=4))
    shift = run(region_of(url, clock="feed"), layout)
    assert shift.report() == {
        "polls": 4,
        "sightings": 12,
        "outcomes": {"ended": 1, "ok": 3},
        "repeated": 0,
        "last_fetched_at": "2026-05-20T00:02:30+00:00",
        "ended": True,
    }
    day = collected(layout)
    assert at(day) == [0, 1, 2.5, 2.5]
    assert [poll.due_at for poll in day.polls] == minutes(0, 1, 2, 2)
    assert [poll.last_updated for poll in day.polls] == [*minutes(0, 1, 2.5), None]
    assert [poll.status for poll in day.polls] == [200, 200, 200, 410]


def test_last_updated_tells_the_time_where_there_is_no_date(
    feed_server: FeedServer, layout: Layout
) -> None:
    replies = [Reply(reply.body, headers={"Date": "no date"}) for reply in replayed(minutes(3, 4))]
    url = feed_server.serve_in_turn("/v", replies)
    run(region_of(url, clock="feed"), layout)
    assert at(collected(layout))[:2] == [3, 4]


def test_a_shift_ends_when_the_virtual_hour_does_and_the_next_goes_on(
    feed_server: FeedServer, layout: Layout
) -> None:
    url = feed_server.serve_in_turn("/v", replayed(minutes(*range(0, 180, 10))))
    region = region_of(url, clock="feed", poll_seconds=600)
    for hour, polls in ((1, 7), (2, 6), (3, 5)):
        shift = run(region, layout, until=START + dt.timedelta(hours=hour))
        assert shift.polls - shift.ended == polls
    assert at(collected(layout)) == [*range(0, 180, 10), 170]
    assert shift.ended
    # a shift that is over is over
    requests = len(feed_server.requests)
    assert run(region, layout, until=START + dt.timedelta(hours=2)).polls == 0
    assert len(feed_server.requests) == requests


def test_a_replay_that_begins_again_repeats_nothing(
    feed_server: FeedServer, layout: Layout
) -> None:
    region = region_of(feed_server.url + "/v", clock="feed")
    feed_server.serve_in_turn("/v", replayed(minutes(0, 1, 2)))
    assert run(region, layout, until=minutes(2)[0]).polls == 3
    feed_server.serve_in_turn("/v", replayed(minutes(0, 1, 2, 3, 4)))
    shift = run(region, layout)
    assert (shift.polls, shift.repeated, shift.ended) == (3, 3, True)
    assert at(collected(layout)) == [0, 1, 2, 3, 4, 4]
    # and the end is noted once
    feed_server.serve_in_turn("/v", replayed(minutes(0, 1, 2, 3, 4)))
    shift = run(region, layout)
    assert (shift.polls, shift.repeated, shift.ended) == (0, 5, True)


def test_another_day_of_the_same_feed_is_collected_from_its_start(
    feed_server: FeedServer, layout: Layout
) -> None:
    region = region_of(feed_server.url + "/v", clock="feed")
    feed_server.serve_in_turn("/v", replayed(minutes(0, 1)))
    run(region, layout)
    yesterday = [time - dt.timedelta(days=1) for time in minutes(0, 1)]
    feed_server.serve_in_turn("/v", replayed(yesterday))
    run(region, layout, day=DAY - dt.timedelta(days=1))
    assert len(collected(layout, DAY - dt.timedelta(days=1)).polls) == 3
    assert len(collected(layout).polls) == 3


def test_polls_across_midnight_go_to_their_own_days(
    feed_server: FeedServer, layout: Layout
) -> None:
    url = feed_server.serve_in_turn("/v", replayed(minutes(1438, 1439, 1440, 1441)))
    region = region_of(url, clock="feed")
    assert run(region, layout).polls == 3
    assert at(collected(layout)) == [1438, 1439]
    assert at(collected(layout, DAY + dt.timedelta(days=1))) == [1440]


def test_an_unchanged_feed_leaves_a_row_and_no_sightings(
    feed_server: FeedServer, layout: Layout
) -> None:
    times = iter(minutes(0, 1, 2, 3))

    def answer(request: Any) -> Reply:
        time = next(times, None)
        if time is None:
            return Reply(status=410)
        tag = '"old"' if time < minutes(3)[0] else '"new"'
        if request.headers.get("If-None-Match") == tag:
            return Reply(status=304, date=time)
        return Reply(vehicles(5, at=time), headers={"ETag": tag}, date=time)

    url = feed_server.serve("/v", answer)
    run(region_of(url, clock="feed"), layout)
    day = collected(layout)
    assert [poll.outcome for poll in day.polls] == [
        "ok",
        "not_modified",
        "not_modified",
        "ok",
        "ended",
    ]
    assert [poll.vehicles for poll in day.polls] == [5, 0, 0, 5, 0]


FAULTS = {
    "404": (Reply(b"", 404), "outcome http_error, HTTP 404: the server refuses"),
    "HTML": (Reply(b"<html>"), "outcome not_json, HTTP 200: the body is not JSON"),
    "truncated gzip": (
        Reply(gzip.compress(vehicles(9))[:-30], headers={"Content-Encoding": "gzip"}),
        "outcome bad_encoding, HTTP 200: the body breaks off",
    ),
    "wrong shape": (Reply(b'{"data": {}}'), "outcome wrong_shape, HTTP 200: the JSON is neither"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_feed_that_only_fails_ends_the_shift_in_one_line(
    feed_server: FeedServer, layout: Layout, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    reply, message = FAULTS[fault]
    good = [gzipped(vehicles(3, at=time)) for time in minutes(0, 1)]
    good = [
        Reply(each.body, headers=each.headers, date=time)
        for each, time in zip(good, minutes(0, 1), strict=True)
    ]
    monkeypatch.setenv("REPLAY", feed_server.url)
    replies = [*good, *[Reply(reply.body, reply.status, reply.headers, date=minutes(2)[0])] * 99]
    feed_server.serve_in_turn("/v?key=s3cret", replies)
    monkeypatch.setenv("KEY", "s3cret")
    region = region_of("${REPLAY}/v?key=${KEY}", clock="feed")
    warnings: list[str] = []
    with pytest.raises(UnseenFeedError) as raised:
        run(region, layout, warn=warnings.append)
    line = str(raised.value)
    assert line.startswith("feed 'feed' (${REPLAY}/v?key=${KEY}): 5 polls in a row failed; ")
    assert message in line
    assert "s3cret" not in line
    assert "\n" not in line
    # one warning when it began, what was collected stays, every attempt left a row
    assert [message in warning for warning in warnings] == [True]
    assert at(collected(layout)) == [0, 1] + [2] * MAX_FAILURES
    # and once the feed is well again the same command goes on
    feed_server.serve_in_turn("/v?key=s3cret", replayed(minutes(2, 3)))
    assert run(region, layout).outcomes == {"ok": 2, "ended": 1}


def test_an_unreachable_feed_gives_one_line(layout: Layout) -> None:
    region = region_of("http://127.0.0.1:9/gbfs.json", clock="feed")
    with pytest.raises(UnseenFeedError, match="outcome unreachable: no connection") as raised:
        run(region, layout)
    assert "http://127.0.0.1:9/gbfs.json" in str(raised.value)


def test_a_few_failures_are_rows_and_no_more(feed_server: FeedServer, layout: Layout) -> None:
    failures = [Reply(b"", 500, date=minutes(1)[0])] * (MAX_FAILURES - 1)
    replies = [*replayed(minutes(0)), *failures, *replayed(minutes(1)), *failures]
    url = feed_server.serve_in_turn("/v", [*replies, *replayed(minutes(2))])
    shift = run(region_of(url, clock="feed"), layout)
    assert shift.outcomes == {"ok": 3, "http_error": 8, "ended": 1}
    assert [poll.outcome for poll in collected(layout).polls if poll.is_answered] == ["ok"] * 3


def test_failures_while_a_replay_catches_up_are_not_counted_again(
    feed_server: FeedServer, layout: Layout
) -> None:
    def replies(*after: float) -> list[Reply]:
        failed = Reply(b"", 500, date=minutes(1)[0])
        return [*replayed(minutes(0)), failed, *replayed(minutes(*after))]

    region = region_of(feed_server.url + "/v", clock="feed")
    feed_server.serve_in_turn("/v", replies(1, 2))
    run(region, layout, until=minutes(2)[0])
    feed_server.serve_in_turn("/v", replies(1, 2, 3))
    run(region, layout)
    assert at(collected(layout)) == [0, 1, 1, 2, 3, 3]


def test_an_empty_feed_goes_on_with_one_warning(feed_server: FeedServer, layout: Layout) -> None:
    url = feed_server.serve_in_turn("/v", replayed(minutes(0, 1, 2), count=0))
    warnings: list[str] = []
    shift = run(region_of(url, clock="feed"), layout, warn=warnings.append)
    assert (shift.outcomes["ok"], shift.sightings) == (3, 0)
    assert warnings == [f"feed 'feed' ({url}): the feed shows no vehicle; polling goes on"]


def test_a_server_whose_time_stands_still_is_no_replay(
    feed_server: FeedServer, layout: Layout
) -> None:
    url = feed_server.serve("/v", replayed(minutes(0))[0])
    with pytest.raises(UnseenFeedError, match="time stands still at 2026-05-20T00:00:00"):
        run(region_of(url, clock="feed"), layout)
    assert len(feed_server.requests) == MAX_STANDSTILL + 1
    assert at(collected(layout)) == [0]


# The wall clock


def test_polls_come_at_their_due_times(feed_server: FeedServer, layout: Layout) -> None:
    url = feed_server.serve("/v", vehicles(2))
    clock = Timekeeper(START + dt.timedelta(minutes=30, seconds=20))
    until = START + dt.timedelta(minutes=40)
    shift = run(region_of(url), layout, until=until, clock=clock)
    assert shift.outcomes == {"ok": 10}
    polls = collected(layout).polls
    assert [poll.due_at for poll in polls] == minutes(*range(30, 40))
    late = [(poll.fetched_at - poll.due_at).total_seconds() for poll in polls]
    assert late[0] > 20  # the poll of the present due time is made at once
    assert all(0 <= seconds < 6 for seconds in late[1:])


def test_a_shift_that_goes_on_polls_no_due_time_twice(
    feed_server: FeedServer, layout: Layout
) -> None:
    region = region_of(feed_server.serve("/v", vehicles(2)))
    clock = Timekeeper(START)
    run(region, layout, until=minutes(3)[0], clock=clock)
    run(region, layout, until=minutes(6)[0], clock=clock)
    assert [poll.due_at for poll in collected(layout).polls] == minutes(*range(6))


def test_a_missed_shift_is_a_gap_and_a_late_one_continues_the_same_day(
    feed_server: FeedServer, layout: Layout
) -> None:
    region = region_of(feed_server.serve("/v", vehicles(2)))
    clock = Timekeeper(START)
    for begin, end in ((0, 60), (60, 120), (200, 240), (240, 300)):  # the one at 120 never ran
        clock.time = max(clock.time, minutes(begin)[0])
        run(region, layout, until=minutes(end)[0], clock=clock)
    facts = seal_day(region, DAY, layout)["feeds"]["feed"]
    assert facts["outcomes"] == {"ok": 220}
    assert facts["coverage"] == 220 / 1440
    gaps = [[dt.datetime.fromisoformat(edge) for edge in gap] for gap in facts["gaps"]]
    assert [[(edge - START) // dt.timedelta(minutes=1) for edge in gap] for gap in gaps] == [
        [119, 200],
        [299, 1440],
    ]
    due = [poll.due_at for poll in collected(layout).polls]
    assert due == minutes(*range(120), *range(200, 300))


def test_missed_due_times_are_not_made_up_for(feed_server: FeedServer, layout: Layout) -> None:
    clock = Timekeeper(START)

    def slow(_: Any) -> Reply:
        clock.sleep(150 if clock.time < minutes(2)[0] else 0)
        return Reply(vehicles(2))

    region = region_of(feed_server.serve("/v", slow))
    run(region, layout, until=minutes(6)[0], clock=clock)
    assert [poll.due_at for poll in collected(layout).polls] == minutes(0, 2, 3, 4, 5)


def test_failures_are_rows_while_anything_is_seen(feed_server: FeedServer, layout: Layout) -> None:
    well = Reply(vehicles(2))
    replies = cycle([Reply(b"{}"), well, Reply(b"<html>"), well])
    url = feed_server.serve("/v", lambda _: next(replies))
    warnings: list[str] = []
    shift = run(
        region_of(url), layout, until=minutes(12)[0], clock=Timekeeper(START), warn=warnings.append
    )
    assert shift.outcomes == {"wrong_shape": 3, "ok": 6, "not_json": 3}
    assert len(warnings) == 2


def test_the_gaps_of_a_day_are_the_polls_that_failed(
    feed_server: FeedServer, layout: Layout
) -> None:
    draw = random.Random(5)
    failing = {minute for minute in range(1440) if draw.random() < 0.1}
    assert all({minute + 1, minute + 2} - failing for minute in failing)  # else it would be spared
    clock = Timekeeper(START)
    faults = [Reply(b"", 500), Reply(b"<html>"), Reply(b"{}"), Reply(b"{", length=9)]

    def answer(_: Any) -> Reply:
        minute = (clock.time - START) // dt.timedelta(minutes=1)
        return draw.choice(faults) if minute in failing else Reply(vehicles(2))

    region = region_of(feed_server.serve("/v", answer))
    for hour in range(1, 25):
        run(region, layout, until=START + dt.timedelta(hours=hour), clock=clock)
    facts = seal_day(region, DAY, layout)["feeds"]["feed"]
    assert facts["polls"] == facts["due"] == 1440
    assert facts["outcomes"]["ok"] == 1440 - len(failing)
    assert facts["coverage"] == 1 - len(failing) / 1440
    assert facts["rows"] == 2 * (1440 - len(failing))
    gaps = [[dt.datetime.fromisoformat(edge) for edge in gap] for gap in facts["gaps"]]
    hidden = {
        minute
        for minute in failing
        if any(before < START + dt.timedelta(minutes=minute) < after for before, after in gaps)
    }
    assert hidden == failing
    assert len(gaps) == sum(minute - 1 not in failing for minute in failing)


def test_a_host_in_trouble_is_spared_more_and_more(feed_server: FeedServer, layout: Layout) -> None:
    clock = Timekeeper(START)
    trouble = START + dt.timedelta(hours=3)

    def answer(_: Any) -> Reply:
        return Reply(b"", 503) if clock.time < trouble else Reply(vehicles(2))

    until = START + dt.timedelta(hours=4)
    shift = run(region_of(feed_server.serve("/v", answer)), layout, until=until, clock=clock)
    polls = collected(layout).polls
    failed = [poll.fetched_at for poll in polls if poll.outcome == "http_error"]
    waits = [(after - before).total_seconds() / 60 for before, after in pairwise(failed)]
    assert 0.9 < waits[0] < 1.2
    assert max(waits) < 15.2  # the ceiling
    assert all(wait > 7.4 for wait in waits[6:])
    assert 15 < len(failed) < 32  # instead of 180
    # and as soon as it is well again, the schedule is
    assert shift.outcomes["ok"] >= 44
    assert all(before.due_at < after.due_at for before, after in pairwise(polls))


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_obeyed(feed_server: FeedServer, layout: Layout, as_date: bool) -> None:
    clock = Timekeeper(START)

    def answer(_: Any) -> Reply:
        if clock.time > START + dt.timedelta(minutes=1):
            return Reply(vehicles(2))
        # by the host's clock, which is a day off
        date = clock.time - dt.timedelta(days=1)
        when = format_datetime(date + dt.timedelta(seconds=600), usegmt=True)
        return Reply(
            b"", 429, {"Retry-After": when if as_date else "600"}, date=date.replace(microsecond=0)
        )

    url = feed_server.serve("/v", answer)
    run(region_of(url), layout, until=START + dt.timedelta(minutes=20), clock=clock)
    first, second, *_ = collected(layout).polls
    assert (first.status, second.outcome) == (429, "ok")
    wait = (second.due_at - first.fetched_at).total_seconds()
    assert 595 <= wait <= 660  # the answer was noted a few looks at the clock before it was fetched


@pytest.mark.parametrize(
    "reply", [Reply(b"", 503), Reply(b"", 404), Reply(b"", 429, {"Retry-After": "1500"})]
)
def test_a_new_shift_spares_what_the_last_one_had_to(
    feed_server: FeedServer, layout: Layout, reply: Reply
) -> None:
    def requests(minutes_a_shift: int) -> int:
        """Of two hours that end in trouble, in shifts of some length."""
        clock = Timekeeper(START)
        url = feed_server.serve(f"/{minutes_a_shift}", reply)
        before = len(feed_server.requests)
        region = region_of(url)
        directory = layout.journal(region.id, str(minutes_a_shift))
        for number in range(120 // minutes_a_shift):
            until = START + dt.timedelta(minutes=(number + 1) * minutes_a_shift)
            with suppress(UnseenFeedError), Journal(directory, "test", "feed", region.zone) as log:
                run_shift(region, region.feeds[0], log, DAY, until, clock=clock)
        return len(feed_server.requests) - before

    in_one, in_many = requests(120), requests(5)
    assert 2 <= in_one <= 20  # 5 to 15 by the draw, instead of 120
    assert in_many <= in_one + 8


def test_a_shift_that_may_not_ask_says_so_once(feed_server: FeedServer, layout: Layout) -> None:
    url = feed_server.serve("/v", Reply(b"", 429, {"Retry-After": "3000"}))
    region, clock, told = region_of(url), Timekeeper(START), list[str]()
    with pytest.raises(UnseenFeedError):
        run(region, layout, until=minutes(20)[0], clock=clock)
    shift = run(region, layout, until=minutes(40)[0], clock=clock, warn=told.append)
    assert (shift.polls, len(feed_server.requests)) == (0, 1)
    (line,) = told
    assert re.search(r"is spared until 00:5\d:\d\d UTC", line)
    feed_server.serve("/v", vehicles(2))
    assert run(region, layout, until=minutes(60)[0], clock=clock).outcomes["ok"] >= 5
    # what was not asked was not seen
    holes = gaps(collected(layout).polls, START, minutes(60)[0], 60)
    assert holes[0][0] == START
    assert holes[0][1] > START + dt.timedelta(seconds=3000)


def test_a_feed_is_asked_when_its_next_edition_is_due(
    feed_server: FeedServer, layout: Layout
) -> None:
    """Editions every 3 minutes and 20 seconds, by a clock that is two hours slow."""
    clock = Timekeeper(START)

    def answer(_: Any) -> Reply:
        since = (clock.time - START).total_seconds()
        edition = START + dt.timedelta(seconds=since // 200 * 200 - 7200)
        return Reply(vehicles(2, at=edition).replace(b'"ttl": 60', b'"ttl": 200'))

    url = feed_server.serve("/v", answer)
    until = START + dt.timedelta(hours=2)
    shift = run(region_of(url), layout, until=until, clock=clock)
    polls = collected(layout).polls
    assert shift.polls <= 37  # 36 editions in two hours
    assert len({poll.last_updated for poll in polls}) >= 35
    assert {poll.ttl for poll in polls} == {200}
    # and nothing counts as missed
    assert coverage(polls, START, until, 60) == 1
    assert gaps(polls, START, until, 60) == []
    assert gaps([polls[0], *polls[3:]], START, until, 60) == [
        (polls[0].fetched_at, polls[3].fetched_at)
    ]
    assert {poll.version for poll in polls} == {"2.3"}


@pytest.mark.parametrize(("ttl", "minutes_between"), [(0, 1), (60, 1), (86_400, 5), (-5, 1)])
def test_absurd_ttls_change_nothing(
    feed_server: FeedServer, layout: Layout, ttl: int, minutes_between: float
) -> None:
    clock = Timekeeper(START)
    url = feed_server.serve(
        "/v",
        lambda _: Reply(
            vehicles(2, at=clock.time.replace(microsecond=0)).replace(
                b'"ttl": 60', f'"ttl": {ttl}'.encode()
            )
        ),
    )
    run(region_of(url), layout, until=START + dt.timedelta(minutes=30), clock=clock)
    polls = collected(layout).polls
    waits = [(b.due_at - a.due_at).total_seconds() / 60 for a, b in pairwise(polls)]
    assert len(waits) >= 5
    assert all(abs(wait - minutes_between) < 0.2 for wait in waits)


def test_a_shift_that_saw_nothing_ends_in_one_line(feed_server: FeedServer, layout: Layout) -> None:
    region = region_of(feed_server.serve("/page", b"<html>"))
    with pytest.raises(UnseenFeedError, match="none of the shift's 2 polls was answered") as raised:
        run(region, layout, until=minutes(2)[0], clock=Timekeeper(START))
    assert "outcome not_json, HTTP 200" in str(raised.value)
    assert len(collected(layout).polls) == 2


def test_a_shift_in_the_past_does_nothing(feed_server: FeedServer, layout: Layout) -> None:
    region = region_of(feed_server.serve("/v", vehicles(2)))
    shift = run(region, layout, until=minutes(7)[0], clock=Timekeeper(END))
    assert shift.polls == 0
    assert not feed_server.requests


def test_a_shift_in_real_time(feed_server: FeedServer, layout: Layout) -> None:
    region = region_of(feed_server.serve("/v", vehicles(2)), poll_seconds=10)
    now = dt.datetime.now(dt.UTC)
    shift = run(region, layout, day=now.date(), until=now + dt.timedelta(seconds=0.2))
    assert shift.outcomes == {"ok": 1}
    assert shift.last_fetched_at is not None
    assert abs(shift.last_fetched_at - now) < dt.timedelta(seconds=10)


# Whole days


def captures(shared_data: Path, day: str) -> list[Reply]:
    """The Wolfsburg captures of a day as the replay server serves them."""
    folder = shared_data / "gbfs" / "tier_wolfsburg" / "captures"
    replies = []
    for path in sorted(folder.glob(f"*_{day}T*.json.gz")):
        body = path.read_bytes()
        time = parse(gzip.decompress(body)).last_updated
        replies.append(Reply(body, headers={"Content-Encoding": "gzip"}, date=time))
    return replies


def test_the_captured_day_is_collected_and_sealed(
    feed_server: FeedServer, layout: Layout, shared_data: Path
) -> None:
    replies = captures(shared_data, "20230801")
    assert len(replies) == 41
    target = feed_server.serve_in_turn("/vehicles.json", replies)
    index = {"data": {"en": {"feeds": [{"name": "free_bike_status", "url": target}]}}}
    url = feed_server.serve("/gbfs.json", json.dumps(index).encode())
    wolfsburg = Box(name="wolfsburg", south=52.2, west=10.5, north=52.6, east=11.0)
    region = region_of(url, clock="feed", poll_seconds=300).model_copy(
        update={"service_area": (wolfsburg,)}
    )
    day = dt.date(2023, 8, 1)
    run(region, layout, day=day)
    facts = seal_day(region, day, layout)["feeds"]["feed"]
    print(facts)
    assert (facts["vehicles"], facts["outcomes"]) == (859, {"ended": 1, "ok": 41})
    assert facts["rows"] == sum(
        parse(gzip.decompress(reply.body)).sightings.num_rows for reply in replies
    )
    assert facts["quarantined"] == {}
    assert 40 / 288 <= facts["coverage"] <= 41 / 288
    # the night before, two holes between the captures, the night after
    edges = [[dt.datetime.fromisoformat(edge) for edge in gap] for gap in facts["gaps"]]
    assert [round((end - start).total_seconds() / 60) for start, end in edges] == [590, 12, 37, 616]


@pytest.mark.parametrize("version", ["1.1", "2.3", "3.0"])
def test_nothing_that_the_schema_does_not_name_is_ever_written(
    feed_server: FeedServer, layout: Layout, version: str
) -> None:
    document = json.loads(vehicles(3, version))
    (records,) = document["data"].values()
    for index, record in enumerate(records):
        record |= {
            "name": f"PLANTED-name-{index}",
            "license_plate": f"PLANTED-plate-{index}",
            "rental_uris": {"web": f"https://PLANTED.example/{index}", "ios": "PLANTED://"},
            "_operator": {"serial": f"PLANTED-serial-{index}"},
            "pricing_plan_id": "PLANTED-plan",
            "station_id": "PLANTED-station",
            "home_station_id": "PLANTED-home",
        }
    records.append({"name": "PLANTED-bad", "lat": None, "lon": "PLANTED-position"})
    document["version"] = "PLANTED"
    body = json.dumps(document).encode()
    feed_server.serve_in_turn("/v", [Reply(body, date=time) for time in minutes(0, 1)])
    kind = {"vehicle_type_id": "scooter", "name": "PLANTED-type", "form_factor": "PLANTED-form"}
    feed_server.serve("/types", json.dumps({"data": {"vehicle_types": [kind]}}).encode())
    name = "vehicle_status" if version >= "3" else "free_bike_status"
    feeds = [{"name": name, "url": "/v"}, {"name": "vehicle_types", "url": "/types"}]
    found: Any = {"data": {"feeds": feeds} if version >= "3" else {"en": {"feeds": feeds}}}
    region = region_of(feed_server.serve("/gbfs.json", json.dumps(found).encode()), clock="feed")
    run(region, layout)
    facts = seal_day(region, DAY, layout)["feeds"]["feed"]
    assert (facts["rows"], facts["quarantined"]) == (6, {"missing_id": 2})
    assert facts["vehicle_types"] == 1
    files = [path for path in layout.root.rglob("*") if path.is_file()]
    assert len(files) >= 8
    for path in files:
        assert b"PLANTED" not in path.read_bytes(), path
    # compressed pages are read as well: what the columns hold is what the feed's ids were
    for path in layout.root.rglob("*.parquet"):
        assert "PLANTED" not in str(pq.read_table(path).to_pylist())
    for entry in collected(layout).entries:
        assert "PLANTED" not in str(entry.sightings().to_pylist())


def test_no_secret_is_ever_written(
    feed_server: FeedServer, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IN_HEADER", "IN_QUERY", "IN_URL"):
        monkeypatch.setenv(name, f"PLANTED-{name}")
    path = "/PLANTED-IN_URL/v?key=PLANTED-IN_QUERY"
    feed_server.serve_in_turn(path, [Reply(b"", 500), Reply(b"<html>"), *replayed(minutes(2, 3))])
    region = region_of(
        feed_server.url + "/${IN_URL}/v",
        clock="feed",
        headers={"X-Key": "IN_HEADER"},
        query={"key": "IN_QUERY"},
    )
    told: list[str] = []
    shift = run(region, layout, warn=told.append)
    assert shift.outcomes["ok"] == 2
    assert feed_server.requests[-1].headers["X-Key"] == "PLANTED-IN_HEADER"
    facts = seal_day(region, DAY, layout)
    files = [path for path in layout.root.rglob("*") if path.is_file()]
    assert len(files) >= 5
    assert len(told) == 2
    written = [path.read_bytes() for path in files]
    for text in (*written, f"{told} {facts} {shift.report()}".encode()):
        assert b"PLANTED" not in text
