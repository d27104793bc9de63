"""One HTTP request to a feed's host, held to limits; whatever happens is an answer."""

import datetime as dt
import http.client
import os
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Limits:
    """What a host may cost us; these affect speed and safety, never privacy.

    Attributes:
        connect_seconds: Longest wait for a connection.
        read_seconds: Longest silence while an answer is expected.
        total_seconds: Longest time for all of one answer, redirects included.
        wire_bytes: Longest body as it travels.
        decoded_bytes: Longest body after decompression.
        redirects: Most redirects that are followed.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 30.0
    wire_bytes: int = 32 << 20
    decoded_bytes: int = 64 << 20
    redirects: int = 3


@dataclass(frozen=True)
class Answer:
    """How one request ended.

    Attributes:
        outcome: `ok`, or what went wrong, one of `tasks.schema.polls.OUTCOMES`.
        status: HTTP status, if there was one.
        latency_ms: From request to last byte, milliseconds.
        date: The `Date` header, UTC.
        etag: The `ETag` header.
        url: Where the body came from, after redirects.
        body: The decoded body; empty unless the outcome is `ok`.
    """

    outcome: str
    status: int | None = None
    latency_ms: int = 0
    date: dt.datetime | None = None
    etag: str | None = None
    url: str = ""
    body: bytes = field(default=b"", repr=False)


class _Refused(Exception):  # noqa: N818  # how a transfer ended, not an error of ours
    """A body that is not taken further, with the outcome that says why."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Client:
    """A connection to a feed's host, kept open from poll to poll.

    The authentication headers go to the host of the region's URL and to no other.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> None:
        """Prepare a session; nothing is sent yet.

        Args:
            url: The URL from the region's file, variables filled in.
            headers: Authentication headers, already filled in from the environment.
            limits: What the host may cost us.
        """
        self._origin = _origin(url)
        self._secret_headers = dict(headers or {})
        self._limits = limits or Limits()
        self._session = requests.Session()
        self._session.headers.update(
            {"User-Agent": "opentrips", "Accept": "application/json", "Accept-Encoding": "gzip"}
        )
        # credentials come from the region's file alone, never from a .netrc
        self._session.auth = lambda request: request
        self._is_local = is_loopback(url)
        self._session.trust_env = not self._is_local  # a proxy cannot reach this machine

    def get(self, url: str, etag: str | None = None) -> Answer:
        """Fetch a URL; conditional if an ETag is given.

        Every failure is an answer: unreachable host, time-out, status, broken or oversized body.

        Args:
            url: An http or https URL.
            etag: `ETag` of the last body that was kept.
        """
        started = time.monotonic()
        deadline = started + self._limits.total_seconds
        try:
            answer = self._follow(url, etag, deadline)
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            answer = Answer("timeout")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
            answer = Answer("unreachable")
        return replace(answer, latency_ms=round((time.monotonic() - started) * 1000))

    def close(self) -> None:
        """Let the connection go."""
        self._session.close()

    def _follow(self, url: str, etag: str | None, deadline: float) -> Answer:
        for _ in range(self._limits.redirects + 1):
            with self._send(url, etag) as response:
                target = response.headers.get("Location")
                if response.status_code not in _REDIRECTS or target is None:
                    return self._read(response, etag, deadline)
                url = urljoin(url, target)
                if not self._may_follow(url):
                    break
            if time.monotonic() > deadline:
                return Answer("timeout")
        return Answer("http_error", response.status_code, date=_date(response))

    def _may_follow(self, url: str) -> bool:
        # what is read from this machine is read from this machine only
        return urlsplit(url).scheme in ("http", "https") and (
            is_loopback(url) or not self._is_local
        )

    def _send(self, url: str, etag: str | None) -> requests.Response:
        headers = dict(self._secret_headers) if _origin(url) == self._origin else {}
        if etag is not None:
            headers["If-None-Match"] = etag
        return self._session.get(
            url,
            headers=headers,
            timeout=(self._limits.connect_seconds, self._limits.read_seconds),
            allow_redirects=False,
            stream=True,
        )

    def _read(self, response: requests.Response, etag: str | None, deadline: float) -> Answer:
        status, date = response.status_code, _date(response)
        if status == 304 and etag is not None:
            return Answer("not_modified", status, date=date, etag=etag, url=response.url)
        if status == 410:
            return Answer("ended", status, date=date)
        if status != 200:
            return Answer("http_error", status, date=date)
        try:
            body = self._decode(response, self._transfer(response.raw, deadline))
        except _Refused as refusal:
            return Answer(refusal.outcome, status, date=date)
        tag = response.headers.get("ETag")
        return Answer("ok", status, date=date, etag=tag, url=response.url, body=body)

    def _transfer(self, raw: urllib3.HTTPResponse, deadline: float) -> bytes:
        """The body as it travels, piece by piece as it arrives."""
        pieces, length = [], 0
        try:
            while piece := raw.read1(_CHUNK, decode_content=False):
                pieces.append(piece)
                length += len(piece)
                if length > self._limits.wire_bytes:
                    raise _Refused("too_large")
                if time.monotonic() > deadline:
                    raise _Refused("timeout")
        except urllib3.exceptions.ProtocolError as error:
            if isinstance(error.args[-1], http.client.IncompleteRead):
                raise _Refused("bad_encoding") from None  # the body breaks off
            raise
        return b"".join(pieces)

    def _decode(self, response: requests.Response, wire: bytes) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding in ("gzip", "x-gzip") or wire.startswith(_GZIP_MAGIC):
            return _gunzip(wire, self._limits.decoded_bytes)
        if encoding in ("identity", ""):
            return wire
        raise _Refused("bad_encoding")


def environment_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Authentication headers, filled in from the environment.

    Args:
        headers: Header name to name of the environment variable that holds its value.

    Raises:
        KeyError: If a variable is not set; its name is the exception's argument.
        ValueError: If a value cannot stand in a header; the variable's name is the argument.
    """
    filled = {}
    for name, variable in headers.items():
        value = os.environ[variable]
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            raise ValueError(variable)
        filled[name] = value
    return filled


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine by its very name: localhost, 127.x.y.z or ::1.

    Examples:
        >>> is_loopback("http://127.0.0.1:8000/gbfs.json"), is_loopback("http://127.example.org")
        (True, False)
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host in ("localhost", "::1"):
        return True
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdecimal() for part in parts)


def _gunzip(wire: bytes, most: int) -> bytes:
    """Decompress one gzip stream, all members of it, and never more than a cap."""
    pieces, room = [], most
    while wire:
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            piece = stream.decompress(wire, room + 1)
        except zlib.error:
            raise _Refused("bad_encoding") from None
        room -= len(piece)
        if room < 0:
            raise _Refused("too_large")
        if not stream.eof:
            raise _Refused("bad_encoding")
        pieces.append(piece)
        wire = stream.unused_data
    if not pieces:
        raise _Refused("bad_encoding")
    return b"".join(pieces)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


def _date(response: requests.Response) -> dt.datetime | None:
    try:
        date = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return None
    # RFC 9110 dates are GMT; some servers write the zone as -0000, which parses as none
    return date.replace(tzinfo=dt.UTC) if date.tzinfo is None else date.astimezone(dt.UTC)
