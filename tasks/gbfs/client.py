"""One HTTP request to a feed's host, held to limits; whatever happens is an answer."""

import datetime as dt
import http.client
import os
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple, NoReturn
from urllib.parse import quote, urlencode, urljoin, urlsplit

import requests
import urllib3

from tasks.gbfs.address import Reach, RefusedAddressError, Resolve, resolve_by_system
from tasks.gbfs.connection import PORTS, Line, LineSession
from tasks.gbfs.errors import SparedError
from tasks.gbfs.manners import Manners

_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_LINES = 4
_TIMEOUTS = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)
ERRAND_SECONDS = 5.0
"""Longest time for a request that a poll may have to wait for, the wait for its turn aside."""

_SMALL = 1 << 20  # below this a body may be as repetitive as it likes


@dataclass(frozen=True)
class Limits:
    """What a host may cost us; these affect speed and safety, never privacy.

    Attributes:
        connect_seconds: Longest wait for a connection.
        read_seconds: Longest silence while an answer is expected.
        total_seconds: Longest time for all of one answer, from looking up the name to the last
            byte, redirects included.
        wire_bytes: Longest body as it travels.
        decoded_bytes: Longest body after decompression.
        ratio: A body over 1 MiB may be so many times longer than what travelled. Real feeds
            compress 5 to 30 times, a gzip bomb 1000 times.
        redirects: Most redirects that are followed.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 30.0
    wire_bytes: int = 32 << 20
    decoded_bytes: int = 64 << 20
    ratio: int = 200
    redirects: int = 3


@dataclass(frozen=True)
class Validators:
    """What makes a request conditional: the marks of the last body that was kept.

    Attributes:
        etag: Its `ETag` header.
        last_modified: Its `Last-Modified` header.
    """

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """The request headers; empty if there is no mark."""
        marks = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: mark for name, mark in marks.items() if mark is not None}


@dataclass(frozen=True)
class Answer:
    """How one request ended.

    Attributes:
        outcome: `ok`, or what went wrong, one of `tasks.schema.polls.OUTCOMES`.
        status: HTTP status, if there was one.
        latency_ms: From request to last byte, milliseconds.
        date: The `Date` header, UTC.
        validators: What to send with the next request, once this body is kept.
        retry_after: Seconds for which the host asks not to be asked, if it does.
        detail: Why a URL was not fetched, for people, if it was not.
        url: Where the body came from, after redirects; without the query keys of the region.
        body: The decoded body; empty unless the outcome is `ok`.
    """

    outcome: str
    status: int | None = None
    latency_ms: int = 0
    date: dt.datetime | None = None
    validators: Validators = Validators()
    retry_after: float | None = None
    detail: str | None = None
    url: str = field(default="", repr=False)
    body: bytes = field(default=b"", repr=False)


class _Refused(Exception):  # noqa: N818  # how a transfer ended, not an error of ours
    """A body that is not taken further, with the outcome that says why."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class _NotAskedError(Exception):
    """A URL that no request is made of; the text says why."""


class _Origin(NamedTuple):
    """The host that a URL is on, and how to reach it."""

    scheme: str
    host: str
    port: int

    def may_have_secrets_of(self, own: "_Origin") -> bool:
        """The same host and port; or the same host, encrypted, where it was not."""
        moved = _Origin("https", own.host, 443)
        return self == own or (self == moved and own[::2] == ("http", 80))


class Client:
    """Connections to a feed's hosts, kept open from poll to poll.

    The authentication headers and query keys go to the host of the region's URL and to no other.
    No proxy is used: the address that was checked is the one that is connected to.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        *,
        query: Mapping[str, str] | None = None,
        allow_hosts: Sequence[str] = (),
        is_named: bool = True,
        contact: str | None = None,
        resolve: Resolve = resolve_by_system,
        manners: Manners | None = None,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            url: The URL from the region's file, variables filled in.
            headers: Authentication headers, already filled in from the environment.
            limits: What the host may cost us.
            query: Authentication keys for the query, already filled in from the environment.
            allow_hosts: Hosts that may be reached whatever their addresses.
            is_named: Whether a person wrote the URL into the region's file.
            contact: Where the feed's host finds the people who poll it, for the User-Agent.
            resolve: Finds the addresses of a host.
            manners: When hosts may be asked. Default: at any time, for a server of our own.

        Raises:
            ValueError: If the URL is no http or https URL.
        """
        self._origin = _origin_of(url)
        self._secret_headers = dict(headers or {})
        self._secret_query = dict(query or {})
        self._limits = limits or Limits()
        self._reach = Reach(
            self._origin.host if is_named else None,
            frozenset(host.lower() for host in allow_hosts),
            resolve,
        )
        self._manners = manners
        self._session = LineSession()
        self._session.headers.clear()
        self._session.headers.update(
            {
                "User-Agent": user_agent(contact),
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
            }
        )
        self._lines: dict[_Origin, Line] = {}

    def get(
        self, url: str, validators: Validators | None = None, *, is_errand: bool = False
    ) -> Answer:
        """Fetch a URL; conditional if there are validators.

        Every failure is an answer: a host out of bounds or unreachable, a time-out, a status, a
        broken or oversized body. Every hop takes its turn at its host.

        Args:
            url: An http or https URL.
            validators: Of the last body that was kept.
            is_errand: Whether it is a request beside the polls: it gets `ERRAND_SECONDS` at most,
                and how it ends is not held against its host, whose `Retry-After` is obeyed.

        Raises:
            SparedError: If the URL's host is spared now, so that nothing was asked.
        """
        answer, target, spent = Answer("unreachable"), "", 0.0
        most = self._limits.total_seconds
        most = min(most, ERRAND_SECONDS) if is_errand else most
        for hop in range(self._limits.redirects + 1):
            try:
                url, origin = self._admitted(url, target)
                begun = time.monotonic()
                answer, target = self._hop(
                    origin, url, validators or Validators(), begun + most - spent
                )
            except (_NotAskedError, RefusedAddressError, SparedError) as error:
                if hop:
                    return replace(answer, detail=f"a redirect is not followed: {error}")
                if isinstance(error, SparedError):
                    raise
                return replace(answer, detail=str(error))
            spent += time.monotonic() - begun  # without the wait for a turn
            answer = replace(answer, latency_ms=round(spent * 1000))
            if self._manners is not None and (answer.retry_after or not is_errand):
                self._manners.note_answer(
                    origin.host, origin.port, answer.outcome, answer.status, answer.retry_after
                )
            if not target:
                return answer
        return replace(answer, detail=f"more than {self._limits.redirects} redirects")

    def close(self) -> None:
        """Let the connections go."""
        for line in self._lines.values():
            line.drop()
        self._lines.clear()
        self._session.close()

    def _admitted(self, base: str, target: str) -> tuple[str, _Origin]:
        """Where a redirect leads to, or the URL itself; and its host, once it may be asked."""
        try:
            url = urljoin(base, target)
            origin = _origin_of(url)
        except ValueError:
            raise _NotAskedError("it is no http or https URL") from None
        if self._manners is not None:
            self._manners.await_turn(origin.host, origin.port)
        return url, origin

    def _hop(
        self, origin: _Origin, url: str, validators: Validators, deadline: float
    ) -> tuple[Answer, str]:
        """One request: the answer, and where it redirects to if it does, else an empty text."""
        try:
            line = self._line(origin, deadline)
            with line.limited(deadline, self._limits.connect_seconds):
                answer, target = self._ask(line, url, validators, deadline)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            late = isinstance(error, _TIMEOUTS) or time.monotonic() >= deadline
            return Answer("timeout" if late else "unreachable"), ""
        if line.is_cut:  # a cut looks like the end of a body that says no length
            return Answer("timeout", answer.status, date=answer.date), ""
        return answer, target

    def _line(self, origin: _Origin, deadline: float) -> Line:
        """The open line to a host, or a new one to its addresses as they are now."""
        line = self._lines.pop(origin, None)
        if line is None or not line.is_idle:
            if line is not None:
                line.drop()
            left = deadline - time.monotonic()
            addresses = self._reach.addresses(origin.host, origin.port, left)
            line = Line(*origin, addresses, self._limits.read_seconds)
        if len(self._lines) >= _MAX_LINES:
            self._lines.pop(next(iter(self._lines))).drop()
        self._lines[origin] = line
        return line

    def _ask(
        self, line: Line, url: str, validators: Validators, deadline: float
    ) -> tuple[Answer, str]:
        """Send it and read the answer; the connection is kept if nothing is left on it."""
        finished = False
        try:
            with self._send(line, url, validators) as response:
                target = response.headers.get("Location", "")
                if response.status_code in _REDIRECTS and target:
                    answer = Answer("http_error", response.status_code, date=_date(response))
                else:
                    target = ""
                    answer = self._read(response, url, validators, deadline)
                if response.raw.length_remaining == 0:
                    response.raw.drain_conn()  # of nothing; it gives the connection back
                finished = response.raw.closed
            return answer, target
        finally:
            if not finished or not line.is_open:
                line.drop()

    def _send(self, line: Line, url: str, validators: Validators) -> requests.Response:
        headers, target = validators.headers(), _target(url)
        if _origin_of(url).may_have_secrets_of(self._origin):
            headers |= self._secret_headers
            if self._secret_query:
                target += ("&" if "?" in target else "?") + urlencode(self._secret_query)
        was_open = line.is_open
        try:
            return self._session.ask(line, target, headers)
        except requests.ConnectionError:
            if not was_open:
                raise
            line.drop()  # the host had had enough of the old one
            return self._session.ask(line, target, headers)

    def _read(
        self,
        response: requests.Response,
        url: str,
        validators: Validators,
        deadline: float,
    ) -> Answer:
        status, date = response.status_code, _date(response)
        if status == 304 and validators.headers():
            return Answer("not_modified", status, date=date, validators=validators, url=url)
        if status == 410:
            return Answer("ended", status, date=date)
        if status != 200:
            wait = retry_after(response.headers.get("Retry-After"), date)
            return Answer("http_error", status, date=date, retry_after=wait)
        try:
            wire = self._transfer(response.raw, deadline)
            body = self._decode(response.headers.get("Content-Encoding", "identity"), wire)
        except _Refused as refusal:
            return Answer(refusal.outcome, status, date=date)
        marks = Validators(_mark(response, "ETag"), _mark(response, "Last-Modified"))
        return Answer("ok", status, date=date, validators=marks, url=url, body=body)

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
            if not isinstance(error.args[-1], http.client.IncompleteRead):
                raise
            self._break_off(deadline)
        if raw.length_remaining:
            self._break_off(deadline)
        return b"".join(pieces)

    def _break_off(self, deadline: float) -> NoReturn:
        """A body ends too early: its host ended it, or we did when its time was over."""
        raise _Refused("timeout" if time.monotonic() >= deadline else "bad_encoding")

    def _decode(self, encoding: str, wire: bytes) -> bytes:
        encoding = encoding.strip().lower()
        if encoding in ("gzip", "x-gzip") or wire.startswith(_GZIP_MAGIC):
            small = min(_SMALL, self._limits.decoded_bytes)
            most = max(small, self._limits.ratio * len(wire))
            return _gunzip(wire, min(most, self._limits.decoded_bytes))
        if encoding in ("identity", ""):
            return wire
        raise _Refused("bad_encoding")


def user_agent(contact: str | None) -> str:
    """How the collector names itself to a feed's host.

    Examples:
        >>> user_agent("mailto:gbfs@example.org").endswith(" (+mailto:gbfs@example.org)")
        True
    """
    try:
        name = f"opentrips/{version('opentrips')}"
    except PackageNotFoundError:  # run from a clone that is not installed
        name = "opentrips"
    return f"{name} (+{contact})" if contact else name


def retry_after(value: str | None, date: dt.datetime | None) -> float | None:
    """Seconds that a `Retry-After` header asks for, given as seconds or as a date.

    Args:
        value: The header.
        date: The answer's own `Date`, from which a date is counted, so that the host's clock may
            be wrong. Default: now.

    Examples:
        >>> retry_after("120", None), retry_after("soon", None), retry_after("-1", None)
        (120.0, None, None)
        >>> noon = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)
        >>> retry_after("Wed, 20 May 2026 12:01:30 GMT", noon)
        90.0
    """
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:12]), 1e9)
    moment = _http_date(text)
    if moment is None:
        return None
    return max((moment - (date or dt.datetime.now(dt.UTC))).total_seconds(), 0.0)


def environment_values(values: Mapping[str, str]) -> dict[str, str]:
    """Authentication headers or query keys, filled in from the environment.

    Args:
        values: Header or key name to name of the environment variable that holds its value.

    Raises:
        KeyError: If a variable is not set; its name is the exception's argument.
        ValueError: If a value cannot stand in a header; the variable's name is the argument.
    """
    filled = {}
    for name, variable in values.items():
        value = os.environ[variable]
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            raise ValueError(variable)
        filled[name] = value
    return filled


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


def _origin_of(url: str) -> _Origin:
    """The host of a URL.

    Raises:
        ValueError: If it is no http or https URL with a host.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname or parts.port == 0:
        raise ValueError("no http or https URL")
    host = parts.hostname.encode("idna").decode().lower()
    return _Origin(parts.scheme, host, parts.port or PORTS[parts.scheme])


def _target(url: str) -> str:
    """What is asked of the host: path and query, in ASCII."""
    parts = urlsplit(url)
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    return quote(target, safe="/%?:@!$&'()*+,;=~[]|")


def _mark(response: requests.Response, name: str) -> str | None:
    """A header that is sent back as it is, if it can be."""
    value = response.headers.get(name) or ""
    usable = 0 < len(value) <= 1000 and value.isascii() and value.isprintable()
    return value if usable else None


def _date(response: requests.Response) -> dt.datetime | None:
    return _http_date(response.headers.get("Date") or "")


def _http_date(text: str) -> dt.datetime | None:
    try:
        date = parsedate_to_datetime(text)
        # RFC 9110 dates are GMT; some servers write the zone as -0000, which parses as none
        return date.replace(tzinfo=dt.UTC) if date.tzinfo is None else date.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
