"""A real feed server on loopback that answers as a test tells it to, and regions."""

import datetime as dt
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tasks.files import Layout
from tasks.region import Region

DAY = dt.date(2026, 5, 20)
START = dt.datetime(2026, 5, 20, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Reply:
    """What the server answers; the true length of the body unless `length` lies about it."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    date: dt.datetime | None = None


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]


class FeedServer:
    """Answers each path with a function of the request, or with 404; remembers every request."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.paths: dict[str, Callable[[Request], Reply]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle(self) -> None:
                with suppress(ConnectionError):  # a client may be gone before it asks again
                    super().handle()

            def do_GET(self) -> None:
                request = Request(self.path, dict(self.headers.items()))
                outer.requests.append(request)
                answer = outer.paths.get(self.path)
                self._send(Reply(b"no such path", 404) if answer is None else answer(request))

            def _send(self, reply: Reply) -> None:
                length = len(reply.body) if reply.length is None else reply.length
                self.send_response_only(reply.status)
                date = format_datetime(reply.date or dt.datetime.now(dt.UTC), usegmt=True)
                for name, value in ({"Date": date} | reply.headers).items():
                    self.send_header(name, value)
                if reply.status != 304:
                    self.send_header("Content-Length", str(length))
                self.end_headers()
                with suppress(ConnectionError):  # a client may have had enough
                    self.wfile.write(reply.body)
                self.close_connection = reply.length is not None

            def log_message(self, *_: Any) -> None:
                """Be quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def serve(self, path: str, reply: Reply | bytes | Callable[[Request], Reply]) -> str:
        """Answer a path from now on; returns its URL."""
        if isinstance(reply, Reply | bytes):
            fixed = Reply(reply) if isinstance(reply, bytes) else reply
            self.paths[path] = lambda _: fixed
        else:
            self.paths[path] = reply
        return self.url + path

    def serve_in_turn(self, path: str, replies: list[Reply]) -> str:
        """Answer a path with one reply after the other, then with 410."""
        remaining = iter(replies)
        return self.serve(path, lambda _: next(remaining, Reply(status=410)))

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Timekeeper:
    """A clock on which waiting takes no time and each look at it a second."""

    def __init__(self, now: dt.datetime) -> None:
        self.time = now

    def now(self) -> dt.datetime:
        self.time += dt.timedelta(seconds=1)
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.time += dt.timedelta(seconds=seconds)


@pytest.fixture
def feed_server() -> Iterator[FeedServer]:
    server = FeedServer()
    yield server
    server.stop()


@pytest.fixture
def layout(data_root: Any) -> Layout:
    return Layout(data_root)


def vehicles(count: int, version: str = "2.3", at: dt.datetime | None = None) -> bytes:
    """A well-formed vehicle status body."""
    name, id_key = ("vehicles", "vehicle_id") if version >= "3" else ("bikes", "bike_id")
    records = [
        {
            id_key: f"{name}-{index}",
            "lat": 38.2 + index / 10_000,
            "lon": -85.7 - index / 10_000,
            "is_reserved": False,
            "is_disabled": index % 7 == 0,
            "vehicle_type_id": "scooter",
            "current_range_meters": 1000 * index,
        }
        for index in range(count)
    ]
    moment = at or START
    updated: Any = moment.isoformat() if version >= "3" else int(moment.timestamp())
    document = {"last_updated": updated, "ttl": 60, "version": version, "data": {name: records}}
    return json.dumps(document).encode()


def replayed(times: list[dt.datetime], count: int = 3) -> list[Reply]:
    """Replies of a replay whose clock says these times."""
    return [Reply(vehicles(count, at=time), date=time) for time in times]


def minutes(*after: float) -> list[dt.datetime]:
    """Moments of the day, by minutes after its start."""
    return [START + dt.timedelta(minutes=minute) for minute in after]


def gzipped(body: bytes) -> Reply:
    return Reply(gzip.compress(body), headers={"Content-Encoding": "gzip"})


def region_of(*urls: str, **feed: Any) -> Region:
    """A region in UTC with one feed for each URL: `feed`, `feed-1`, ..."""
    feeds = [
        {"id": f"feed-{i}" if i else "feed", "url": url, "poll_seconds": 60, **feed}
        for i, url in enumerate(urls)
    ]
    return Region.model_validate(
        {
            "id": "test",
            "name": "Test city",
            "time_zone": "UTC",
            "service_area": [
                {"name": "area", "south": 38.0, "west": -86.0, "north": 39.0, "east": -85.0}
            ],
            "feeds": feeds,
        }
    )


FULLY_ANSWERED: dict[str, Any] = {
    "polls": 1440,
    "outcomes": {"ok": 1440},
    "due": 1440,
    "coverage": 1.0,
    "gaps": [],
    "longest_gap_seconds": 0.0,
}
"""What the manifest of a sealed day says of a feed all of whose polls were answered."""


def town(name: str, **changes: Any) -> Region:
    """A region for what comes after collecting: one town, one feed that nobody reads."""
    area = {"name": "town", "south": 52.3, "west": 10.4, "north": 52.5, "east": 10.9}
    plain = {
        "id": name,
        "name": "Town",
        "time_zone": "Europe/Berlin",
        "service_area": [area],
        "feeds": [{"id": "one", "url": "https://one.example/gbfs.json"}],
    }
    return Region.model_validate({**plain, **changes})
