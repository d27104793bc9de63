"""Reading a feed: discovery once, then one vehicle status per poll."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlsplit

from tasks.gbfs.client import Answer, Client, Limits, environment_headers, is_loopback
from tasks.gbfs.discover import vehicle_status_url
from tasks.gbfs.document import decode
from tasks.gbfs.errors import BodyError, FeedError
from tasks.gbfs.parse import Parsed, holds_vehicles, parse_document
from tasks.region import Feed


@dataclass(frozen=True)
class Reading:
    """What one poll of a feed brought.

    Attributes:
        outcome: One of `tasks.schema.polls.OUTCOMES`.
        status: HTTP status, if there was one.
        latency_ms: From request to last byte, milliseconds.
        bytes: Length of the decoded body.
        date: The server's `Date` header, UTC.
        etag: What to send with the next poll, once this one is kept.
        parsed: What the body says, if the outcome is `ok`.
    """

    outcome: str
    status: int | None
    latency_ms: int
    bytes: int
    date: dt.datetime | None
    etag: str | None
    parsed: Parsed | None


class FeedReader:
    """Polls one feed. Use it as a context manager: it holds a connection.

    The feed's URL may be that of the discovery file or that of the vehicle feed itself: the
    first body tells which, and no request is spent on finding out.
    """

    def __init__(self, feed: Feed, limits: Limits | None = None) -> None:
        """Check the feed's settings; nothing is sent yet.

        Raises:
            FeedError: If a variable of the URL or of a header is not set, if the URL is neither
                http nor https, or if `clock: feed` is asked of a host other than this machine.
        """
        self._feed = feed
        self._url = _resolve(feed)
        self._client = Client(self._url, _headers(feed), limits)
        self._vehicles_url: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def read(self, etag: str | None = None) -> Reading:
        """Poll the feed once; every failure is an outcome.

        Args:
            etag: Of the last body that was kept; the feed may then answer `not_modified`.

        Raises:
            FeedError: If the discovery file sends a feed with `clock: feed` off this machine.
        """
        if self._vehicles_url is None:
            return self._discover()
        answer = self._client.get(self._vehicles_url, etag)
        if answer.outcome == "http_error":
            self._vehicles_url = None  # it may have moved: ask the discovery file again
        return _reading(answer)

    def _discover(self) -> Reading:
        """The first poll: of the discovery file and then of the vehicle feed it names."""
        answer = self._client.get(self._url)
        if answer.outcome != "ok":
            return _reading(answer)
        try:
            document = decode(answer.body)
            if holds_vehicles(document):
                self._vehicles_url = self._url
                return _reading(answer)
            target = vehicle_status_url(document, answer.url)
        except BodyError as error:
            return _failed(answer, error.outcome)
        if self._feed.clock == "feed" and not is_loopback(target):
            raise FeedError(_needs_loopback(self._feed, "its discovery file names another host"))
        self._vehicles_url = target
        return self.read()


def _reading(answer: Answer) -> Reading:
    if answer.outcome != "ok":
        return _failed(answer, answer.outcome)
    try:
        parsed = parse_document(decode(answer.body))
    except BodyError as error:
        return _failed(answer, error.outcome)
    return replace(_failed(answer, "ok"), etag=answer.etag, parsed=parsed)


def _failed(answer: Answer, outcome: str) -> Reading:
    etag = answer.etag if outcome == "not_modified" else None
    return Reading(
        outcome, answer.status, answer.latency_ms, len(answer.body), answer.date, etag, None
    )


def _resolve(feed: Feed) -> str:
    try:
        url = feed.resolved_url()
    except KeyError as error:
        raise FeedError(_unset(feed, error, "its url")) from None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise FeedError(f"feed {feed.id!r} ({feed.url}): the url must be an http or https URL")
    if feed.clock == "feed" and not is_loopback(url):
        raise FeedError(_needs_loopback(feed, "its url is on another host"))
    return url


def _headers(feed: Feed) -> dict[str, str]:
    try:
        return environment_headers(feed.headers)
    except KeyError as error:
        raise FeedError(_unset(feed, error, "its headers")) from None
    except ValueError as error:
        raise FeedError(
            f"feed {feed.id!r} ({feed.url}): the environment variable {error.args[0]} holds "
            "characters that cannot stand in an HTTP header; set it again"
        ) from None


def _unset(feed: Feed, error: KeyError, where: str) -> str:
    return (
        f"feed {feed.id!r} ({feed.url}): the environment variable {error.args[0]} of {where} "
        "is not set; set it and run again"
    )


def _needs_loopback(feed: Feed, why: str) -> str:
    return (
        f"feed {feed.id!r} ({feed.url}): `clock: feed` is for a replay server on this machine "
        f"(127.0.0.1), but {why}; remove `clock: feed`"
    )
