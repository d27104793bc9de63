import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tasks.gbfs import FeedReader, Manners, SparedError
from tasks.gbfs.backoff import Backoff
from tasks.gbfs.client import Client
from tasks.gbfs.turn import HostTurns
from tasks.region import Feed
from tests.tasks.conftest import FeedServer, Reply, gzipped, vehicles
from tests.tasks.gbfs.conftest import Names, named

NAMES = Names(a_example="127.0.0.1", b_example="127.0.0.1")


class Clock:
    """Time that passes by waiting, and the waits."""

    def __init__(self) -> None:
        self.time = 1e9
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def manners(directory: Path, clock: Clock) -> Manners:
    """As each process of the machine makes its own."""
    turns = HostTurns(directory / "turns", 1, clock.sleep, clock.now)
    return Manners(turns, Backoff(directory / "spared", clock.now, lambda low, high: high))


def reader(url: str, directory: Path, clock: Clock, **more: Any) -> FeedReader:
    feed = Feed(id="feed", url=url, allow_hosts=["a.example", "b.example"], **more)
    return FeedReader(feed, resolve=NAMES, manners=manners(directory, clock))


def spared_seconds(each: FeedReader, clock: Clock) -> float:
    with pytest.raises(SparedError) as spared:
        each.read()
    return spared.value.until.timestamp() - clock.time


def test_every_hop_takes_its_turn(
    feed_server: FeedServer, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: passed() + sum(clock.waits))
    feed_server.serve("/v", vehicles(1))
    there = named(feed_server.url, "b.example")
    for step, target in (("/1", "/2"), ("/2", f"{there}/3"), ("/3", "/v")):
        feed_server.serve(step, Reply(status=302, headers={"Location": target}))
    with reader(named(feed_server.url, "a.example") + "/1", tmp_path, clock) as each:
        reading = each.read()
    # a.example twice and b.example twice, and the time spent in waiting is not the host's
    assert clock.waits == pytest.approx([1, 1], abs=0.01)
    assert (reading.outcome, reading.latency_ms < 900) == ("ok", True)


def test_retry_after_holds_for_all_feeds_of_the_host_in_all_processes(
    feed_server: FeedServer, tmp_path: Path, clock: Clock
) -> None:
    feed_server.serve("/v", vehicles(1))
    feed_server.serve("/busy", Reply(b"", 429, {"Retry-After": "600"}))
    here, there = (named(feed_server.url, host) for host in ("a.example", "b.example"))
    with reader(f"{here}/busy", tmp_path, clock) as each:
        assert each.read().status == 429
    for path in ("/busy", "/v"):
        with reader(here + path, tmp_path, clock) as each:
            assert spared_seconds(each, clock) == pytest.approx(660)
    requests = len(feed_server.requests)
    with reader(f"{there}/v", tmp_path, clock) as each:
        assert each.read().outcome == "ok"  # another host is not concerned
    feed_server.serve("/hop", Reply(status=302, headers={"Location": f"{here}/v"}))
    with reader(f"{there}/hop", tmp_path, clock) as each:
        reading = each.read()  # nor does a redirect lead to a host that is spared
        assert (reading.outcome, reading.status) == ("http_error", 302)
        assert reading.detail is not None
        assert "is spared until" in reading.detail
    assert len(feed_server.requests) == requests + 2
    clock.time += 661
    with reader(f"{here}/v", tmp_path, clock) as each:
        assert each.read().outcome == "ok"


def test_a_poll_that_asked_anything_is_a_reading(
    feed_server: FeedServer, tmp_path: Path, clock: Clock
) -> None:
    here, there = (named(feed_server.url, host) for host in ("a.example", "b.example"))
    port = int(feed_server.url.rsplit(":")[-1])

    def gone(_: object) -> Reply:
        """While it answers, the host asks all others to stay away."""
        manners(tmp_path, clock).note_answer("a.example", port, "http_error", 429, 600)
        return Reply(b"", 404)

    feeds = [{"name": "free_bike_status", "url": f"{there}/v"}]
    feed_server.serve("/gbfs.json", json.dumps({"data": {"en": {"feeds": feeds}}}).encode())
    feed_server.serve("/gone", gone)
    manners(tmp_path, clock).note_answer("b.example", port, "http_error", 429, 600)
    with reader(f"{here}/gbfs.json", tmp_path, clock) as each:
        reading = each.read()  # its host answered, the one of the vehicles is spared
        assert (reading.outcome, reading.status) == ("unreachable", None)
        assert "is spared until" in (reading.detail or "")
        assert spared_seconds(each, clock) == pytest.approx(660, abs=1)
    with reader(f"{here}/gone", tmp_path, clock) as each:
        assert each.read().status == 404  # by http, and https may not be tried
    assert [request.path for request in feed_server.requests] == ["/gbfs.json", "/gone"]


def test_while_the_discovery_file_may_not_be_asked_the_vehicle_feed_that_is_known_is(
    feed_server: FeedServer, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.gbfs.reader.DISCOVERY_SECONDS", (0.0, 0.0))
    here, there = (named(feed_server.url, host) for host in ("a.example", "b.example"))
    feed_server.serve("/v", vehicles(1))
    feeds = [{"name": "free_bike_status", "url": f"{there}/v"}]
    feed_server.serve("/gbfs.json", json.dumps({"data": {"en": {"feeds": feeds}}}).encode())
    with reader(f"{here}/gbfs.json", tmp_path, clock) as each:
        assert each.read().outcome == "ok"
        port = int(feed_server.url.rsplit(":")[-1])
        manners(tmp_path, clock).note_answer("a.example", port, "http_error", 429, 600)
        assert each.read().outcome == "ok"
    with reader(f"{here}/gbfs.json", tmp_path, clock) as each:
        assert spared_seconds(each, clock) > 600  # where none is known, there is nothing to ask
    assert [request.path for request in feed_server.requests] == ["/gbfs.json", "/v", "/v"]


def test_a_host_is_spared_while_all_its_feeds_fail_and_not_for_one_of_them(
    feed_server: FeedServer, tmp_path: Path, clock: Clock
) -> None:
    here = named(feed_server.url, "a.example")
    feed_server.serve("/good", vehicles(1))
    feed_server.serve("/bad", Reply(b"", 500))
    for _ in range(4):
        with reader(f"{here}/good", tmp_path, clock) as each:
            assert each.read().outcome == "ok"
        with reader(f"{here}/bad", tmp_path, clock) as each, suppress(SparedError):
            assert each.read().status == 500
        clock.time += 60
    # now all of them fail: the second minute of that is one too many
    for path in ("/worse", "/worst"):
        feed_server.serve(path, Reply(b"", 503))
        with reader(here + path, tmp_path, clock) as each:
            assert each.read().status == 503
        clock.time += 31
    with reader(f"{here}/good", tmp_path, clock) as each:
        assert 0 < spared_seconds(each, clock) <= 60


@pytest.mark.parametrize(
    "reply",
    [
        *(Reply(b"", status) for status in (401, 403, 404, 500)),
        Reply(b"<html>"),
        Reply(b"{}"),
        Reply(b"{", length=9),
        gzipped(bytes(3 << 20)),
    ],
    ids=lambda reply: f"{reply.status}-{len(reply.body)}",
)
def test_a_feed_that_fails_backs_off_and_its_host_does_not(
    feed_server: FeedServer, tmp_path: Path, clock: Clock, reply: Reply
) -> None:
    here = named(feed_server.url, "a.example")
    feed_server.serve("/v", vehicles(1))
    feed_server.serve("/gone", reply)
    waits: list[float] = []
    for _ in range(5):
        with reader(f"{here}/gone", tmp_path, clock) as each:
            assert each.read().status == reply.status
            clock.time += 1
        with reader(f"{here}/v", tmp_path, clock) as each:
            each.read()
        with reader(f"{here}/gone", tmp_path, clock) as each:
            waits.append(spared_seconds(each, clock) if len(waits) else 0)
        clock.time += max(waits[-1], 60) + 1
    assert waits == pytest.approx([0, 59, 179, 419, 899], abs=2)


def test_the_time_is_looked_at_again_when_the_turn_has_come(
    feed_server: FeedServer, tmp_path: Path, clock: Clock
) -> None:
    """While a request waited for its turn another one was told to stay away."""
    both = manners(tmp_path, clock)
    client = Client(
        named(feed_server.url, "a.example"),
        manners=both,
        resolve=NAMES,
        allow_hosts=["a.example"],
    )
    port = int(feed_server.url.rsplit(":")[-1])
    client.get(named(feed_server.serve("/v", b"{}"), "a.example"))

    def told(seconds: float) -> None:
        clock.time += seconds
        both.note_answer("a.example", port, "http_error", 503, 100)

    both._turns._sleep = told
    with pytest.raises(SparedError):
        client.get(named(feed_server.url, "a.example") + "/v")
    client.close()
    assert len(feed_server.requests) == 1


def test_an_errand_is_short_and_its_time_out_is_not_held_against_the_host(
    feed_server: FeedServer, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.gbfs.client.ERRAND_SECONDS", 0.2)
    here = named(feed_server.url, "a.example")

    def slow(_: object) -> Reply:
        time.sleep(0.5)
        return Reply(b"{}")

    feed_server.serve("/slow", slow)
    feed_server.serve("/busy", Reply(b"", 429, {"Retry-After": "600"}))
    feed_server.serve("/v", vehicles(1))
    client = Client(
        here, manners=manners(tmp_path, clock), resolve=NAMES, allow_hosts=["a.example"]
    )
    for _ in range(3):
        assert client.get(f"{here}/slow", is_errand=True).outcome == "timeout"
        clock.time += 31
    assert client.get(f"{here}/v").outcome == "ok"
    assert client.get(f"{here}/busy", is_errand=True).retry_after == 600
    with pytest.raises(SparedError):  # what it asks for is obeyed
        client.get(f"{here}/v")
    client.close()
