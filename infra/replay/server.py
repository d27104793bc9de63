"""The HTTP server that plays a source on loopback."""

import errno
import gzip
import os
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from infra.replay.clock import Clock
from infra.replay.feeds import discovery, vehicle_status_name
from infra.replay.source import ReplayError, Source

HOST = "127.0.0.1"
_GZIP_LEVEL = 1  # the client is on the same machine
_PATIENCE_SECONDS = 60  # for a client that has stopped reading, or writing


class Answer(NamedTuple):
    """What goes back to the client.

    Attributes:
        status: HTTP status; 0 closes the connection without an answer.
        headers: Replace the server's own headers of the same name.
        body: Sent as it is; pieces are sent one by one, and end with the connection unless the
            headers say their length.
        resets: Whether the connection is then reset, which no client can take for an end.
        fault: What the log calls it; empty for a true answer.
    """

    status: int
    headers: Mapping[str, str] = {}
    body: bytes | Iterable[bytes] = b""
    resets: bool = False
    fault: str = ""


Alteration = Callable[[Answer], Answer]
"""Makes a broken answer of the true one."""

Faults = Callable[[str, int], Answer | Alteration | None]
"""Called with a request's path and how many requests for that path came before; the answer that
it returns is sent in place of the true one. Of faults, too, only a completed 200 or 304 to the
vehicle status moves the clock."""


@dataclass
class Served:
    """One line of the server's log.

    Attributes:
        path: What was asked for, without the query.
        poll: The poll that the clock showed.
        status: HTTP status of the answer; 0 if there was none.
        fault: The answer's `fault`.
        moved: Whether it moved the clock: a client that breaks off moves nothing.
    """

    path: str
    poll: int
    status: int
    fault: str
    moved: bool = False


class ReplayServer:
    """Serves a source at `url` while its `with` block lasts.

    Routes: `/<version>/gbfs.json` (and `/gbfs.json`, the source's default version) names the
    other files of the feed set. Each vehicle-status URL has a clock of its own; a query
    (`/2.3/gbfs.json?second`) makes it another URL, and is passed on by the discovery file. Every
    answer's `Date` header is the virtual time; after the last poll the vehicle status is 410.
    """

    def __init__(self, source: Source, port: int = 0, faults: Faults | None = None) -> None:
        """Bind the port, so that clients can connect and wait.

        Args:
            source: What to play.
            port: TCP port on loopback; 0 chooses a free one.
            faults: Broken answers to give in place of the real ones, for tests.

        Raises:
            ReplayError: If the port cannot be had.
        """
        try:
            self._http = _Http(source, port, faults)
        except (OSError, OverflowError) as error:
            why = "is in use" if getattr(error, "errno", 0) == errno.EADDRINUSE else "cannot be had"
            raise ReplayError(f"port {port} {why}; choose another, or 0 for a free one") from error
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="replay", daemon=True
        )

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return self._http.url

    @property
    def log(self) -> list[Served]:
        """Every request so far, in the order of the answers."""
        return list(self._http.log)

    def start(self) -> None:
        """Begin to answer, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self._http.hang_up()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, source: Source, port: int, faults: Faults | None) -> None:
        self.source = source
        self.log: list[Served] = []
        self._faults = faults
        self._requests: Counter[str] = Counter()
        self._clocks: dict[str, Clock] = {}
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((HOST, port), _Handler)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    def server_bind(self) -> None:
        # The base class would look its own address up by name, which can take seconds.
        socket_address = self.server_address
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(socket_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, self.server_address[1]

    def clock(self, target: str) -> Clock:
        """The clock of a vehicle-status URL."""
        with self._lock:
            return self._clocks.setdefault(target, Clock())

    def fault(self, path: str) -> Alteration | None:
        """Count a request and ask what to break about it."""
        with self._lock:
            before = self._requests[path]
            self._requests[path] += 1
        fault = self._faults(path, before) if self._faults else None
        return (lambda _: fault) if isinstance(fault, Answer) else fault

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().close_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep alive."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was faster


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"
    server_version = "opentrips-replay"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = _PATIENCE_SECONDS
    _delivered: tuple[Clock, Served] | None = None  # the last answer, and the clock that it moved

    def handle(self) -> None:
        """Serve a connection; whoever breaks it has not read the last answer to its end.

        A small answer fits into the system's buffers, so that writing it succeeds whether it is
        read or not. A client that closes with part of it unread resets the connection.
        """
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            if self._delivered:
                clock, served = self._delivered
                clock.take_back(served.poll)
                served.moved = False

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """One line per request would drown what matters."""

    def _serve(self) -> None:
        self._delivered = None
        target = urlsplit(self.path)
        fault = self.server.fault(target.path) or _as_it_is
        version, _, name = target.path.strip("/").removesuffix(".json").rpartition("/")
        version = version or self.server.source.versions[0]
        if version not in self.server.source.versions:
            self._send(fault(self._not_found()), 0)
            return
        status_name = vehicle_status_name(version)
        query = f"?{target.query}" if target.query else ""
        clock = self.server.clock(f"/{version}/{status_name}.json{query}")
        if name != status_name:
            poll = clock.now()
            self._send(fault(self._document(version, name, poll, query)), poll)
            return
        with clock.turn(self.headers.get("User-Agent", "")) as turn:
            answer = fault(self._vehicle_status(version, turn.poll))
            served = self._send(answer, turn.poll)
            turn.moves = self.command == "GET" and answer.status in (200, 304)
            served.moved = turn.moves
        served.moved = turn.moves  # a client that does not drive the clock has not moved it
        if turn.moves:
            self._delivered = (clock, served)

    def _vehicle_status(self, version: str, poll: int) -> Answer:
        source = self.server.source
        if poll >= source.polls:
            return _text(HTTPStatus.GONE, "the replay is over")
        # Weak, because the same tag stands for the body with and without gzip.
        tag = f'W/"{source.tag(version, poll)}"'
        if tag in self.headers.get("If-None-Match", ""):
            return Answer(HTTPStatus.NOT_MODIFIED, {"ETag": tag})
        return self._json(source.vehicle_status(version, poll), {"ETag": tag})

    def _document(self, version: str, name: str, poll: int, query: str) -> Answer:
        source = self.server.source
        files = source.documents(version, poll)
        if name == "gbfs":
            names = [*files, vehicle_status_name(version)]
            base = f"{self.server.url}/{version}"
            urls = {name: f"{base}/{name}.json{query}" for name in names}
            return self._json(discovery(version, source.time(poll), urls))
        return self._json(files[name]) if name in files else self._not_found()

    def _not_found(self) -> Answer:
        return _text(HTTPStatus.NOT_FOUND, f"not here; begin at {self.server.url}/gbfs.json")

    def _json(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        headers = {"Content-Type": "application/json", "Vary": "Accept-Encoding", **(headers or {})}
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return Answer(HTTPStatus.OK, headers, body)

    def _send(self, answer: Answer, poll: int) -> Served:
        served = Served(urlsplit(self.path).path, poll, answer.status, answer.fault)
        self.server.log.append(served)
        if not answer.status:
            self.close_connection = True
            return served
        whole = answer.body if isinstance(answer.body, bytes) else None
        headers = {
            "Date": formatdate(self.server.source.time(poll), usegmt=True),
            "Cache-Control": "no-cache",
            **({"Connection": "close"} if whole is None else {"Content-Length": str(len(whole))}),
            **answer.headers,
        }
        if answer.status == HTTPStatus.NOT_MODIFIED:
            del headers["Content-Length"]
        if whole is None or headers.get("Content-Length", "0") != str(len(whole)):
            self.close_connection = True  # a fault: the client must not wait for the rest
        self.send_response_only(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            for piece in (answer.body,) if isinstance(answer.body, bytes) else answer.body:
                self.wfile.write(piece)
        self.wfile.flush()
        if answer.resets:
            self._reset()
        return served

    def _reset(self) -> None:
        """Close the connection the hard way: closing it in order would announce an end."""
        self.close_connection = True
        linger_for_no_time = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time)
        os.close(self.connection.detach())


def _as_it_is(answer: Answer) -> Answer:
    return answer


def _text(status: int, line: str) -> Answer:
    return Answer(status, {"Content-Type": "text/plain; charset=utf-8"}, f"{line}\n".encode())
