"""Reading a feed: discovery once in a while, then one vehicle status per poll."""

import datetime as dt
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from tasks.files import Layout
from tasks.gbfs.address import Resolve, is_loopback, resolve_by_system
from tasks.gbfs.catalogue import CATALOGUE_URL, discovery_url
from tasks.gbfs.client import Answer, Client, Limits, Validators
from tasks.gbfs.discover import entry_url, vehicle_status_url, vehicle_types_url
from tasks.gbfs.document import decode
from tasks.gbfs.errors import BodyError, FeedError, SparedError
from tasks.gbfs.manners import Manners
from tasks.gbfs.parse import Parsed, holds_vehicles, parse_document
from tasks.gbfs.settings import check_url, filled, needs_loopback, resolved_url
from tasks.gbfs.values import number
from tasks.gbfs.vehicle_types import parse_vehicle_types
from tasks.region import Box, Feed

DISCOVERY_SECONDS = (3600.0, 86400.0)
"""The discovery file is fetched again at its own ttl, but not sooner and not later than this; the
vehicle types likewise."""

MAX_ENTRIES = 3
"""So many files may lead to the vehicle feed: a manifest, a list of versions, the discovery."""

_TRY_AGAIN = (408, 425, 429)  # client errors that do not mean that the URL is wrong


@dataclass(frozen=True)
class Reading:
    """What one poll of a feed brought.

    Attributes:
        outcome: One of `tasks.schema.polls.OUTCOMES`.
        status: HTTP status, if there was one.
        latency_ms: From request to last byte, milliseconds.
        bytes: Length of the decoded body.
        date: The server's `Date` header, UTC.
        validators: What to send with the next poll, once this one is kept.
        parsed: What the body says, if the outcome is `ok`.
        detail: More about a failure, for people; never quotes a body, a path or a query.
    """

    outcome: str
    status: int | None
    latency_ms: int
    bytes: int
    date: dt.datetime | None
    validators: Validators
    parsed: Parsed | None
    detail: str | None = None


class FeedReader:
    """Polls one feed. Use it as a context manager: it holds a connection.

    The feed's URL may be that of the discovery file, of a file that leads to it, or that of the
    vehicle feed itself: the first body tells which, and no request is spent on finding out.
    """

    def __init__(
        self,
        feed: Feed,
        limits: Limits | None = None,
        *,
        area: Sequence[Box] = (),
        contact: str | None = None,
        resolve: Resolve = resolve_by_system,
        manners: Manners | None = None,
    ) -> None:
        """Check the feed's settings; nothing is sent yet.

        Args:
            feed: The feed.
            limits: What its hosts may cost us.
            area: The region's service area; positions far from it are set aside.
            contact: The region's contact, for the User-Agent.
            resolve: Finds the addresses of a host.
            manners: When hosts and feeds may be asked. Default: those of the machine; a replay on
                its own clock is asked at any time.

        Raises:
            FeedError: If a variable of the URL, of a header or of a query key is not set, if the
                URL is neither http nor https, if the local catalogue lacks the system, or if
                `clock: feed` is asked of a host other than this machine.
        """
        self._feed = feed
        self._limits = limits
        self._area = area
        self._contact = contact
        self._resolve = resolve
        root = Layout.from_environment().root
        if manners is None and feed.clock == "wall":
            manners = Manners.of_machine()
        self._manners = manners
        self._headers = filled(feed, feed.headers, "its headers")
        self._query = filled(feed, feed.query, "its query")
        self._entry: str | None = None
        self._client: Client | None = None
        self._catalogue: str | None = None
        if feed.url is not None:
            self._set_entry(resolved_url(feed), is_named=True)
        else:
            self._find_catalogue(root)
        self._vehicles_url: str | None = None
        self._kept_url: str | None = None  # of the last body; its validators fit no other URL
        self._discover_at = -math.inf  # on the monotonic clock
        self._types_url: str | None = None
        self._types_at = -math.inf  # on the monotonic clock
        self._has_asked = False  # anything, for the present poll

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def read(self, validators: Validators | None = None) -> Reading:
        """Poll the feed once; every failure is an outcome.

        Args:
            validators: Of the last body that was kept; the feed may then answer `not_modified`.

        Raises:
            SparedError: If the feed or its host is spared, so that nothing was asked.
            FeedError: If discovery sends a feed with `clock: feed` off this machine, or the
                catalogue lacks the system.
        """
        if self._manners is None:
            return self._read(validators)
        feed = f"{self._feed.url} {self._feed.system}"
        self._manners.check_feed(feed)
        self._has_asked = False
        try:
            reading = self._read(validators)
        except SparedError as spared:
            if not self._has_asked:
                raise
            reading = _failed(Answer("unreachable"), "unreachable", str(spared))
        self._manners.note_poll(feed, reading.outcome, self._feed.poll_seconds)
        return reading

    def _read(self, validators: Validators | None) -> Reading:
        if self._client is None:
            failed = self._look_up()
            if failed is not None:
                return failed
        if self._vehicles_url is None or time.monotonic() >= self._discover_at:
            reading = self._discover_or_wait()
            if reading is not None and (reading.outcome == "ok" or self._vehicles_url is None):
                return reading
        assert self._vehicles_url is not None
        if self._kept_url != self._vehicles_url:
            validators = None
        answer, self._vehicles_url = self._get(self._vehicles_url, validators)
        reading = self._reading(answer)
        if answer.outcome == "ok":
            self._kept_url = self._vehicles_url
        elif answer.outcome == "http_error" and _means_moved(answer.status):
            self._vehicles_url = None  # ask the discovery file again
        return reading

    def read_vehicle_types(self) -> pa.Table | None:
        """The vehicle types of the feed set, once in a while; nothing else depends on them.

        Returns:
            Columns of `tasks.schema.VEHICLE_TYPES`; None if they are not due, if the discovery
            file names none, or if they are not to be had now.
        """
        if self._types_url is None or self._client is None or time.monotonic() < self._types_at:
            return None
        self._types_at = self._later(None)
        try:
            document = decode(self._client.get(self._types_url, is_errand=True).body)
            types = parse_vehicle_types(document)
        except (BodyError, SparedError):
            return None
        self._types_at = self._later(document.get("ttl"))
        return types

    def _later(self, ttl: Any) -> float:
        """When a file that seldom changes is fetched again; on a replay's clock it never is."""
        least, most = DISCOVERY_SECONDS
        if self._feed.clock == "feed":
            return math.inf
        return time.monotonic() + min(max(number(ttl) or 0, least), most)

    def _discover_or_wait(self) -> Reading | None:
        """Like `_discover`; while its host is spared, the vehicle feed that is known is used."""
        try:
            return self._discover()
        except SparedError:
            if self._vehicles_url is None:
                raise
            return None

    def _discover(self) -> Reading | None:
        """Find the vehicle feed; a reading if that failed, or if the feed itself came at once."""
        assert self._entry is not None
        # where this fails and the vehicle feed is known, it is used until the next try
        self._discover_at = time.monotonic() + DISCOVERY_SECONDS[0]
        url = self._entry
        for _ in range(MAX_ENTRIES):
            answer, found = self._get(url)
            if answer.outcome != "ok":
                return _failed(answer, answer.outcome)
            if url == self._entry:
                self._entry = found
            try:
                document = decode(answer.body)
                if holds_vehicles(document):
                    self._vehicles_url = self._kept_url = found
                    self._discover_at = math.inf
                    return self._reading(answer)
                target = entry_url(document, answer.url, self._feed.system)
                is_last = target is None
                if target is None:
                    target = vehicle_status_url(document, answer.url, self._feed.language)
            except BodyError as error:
                return _failed(answer, error.outcome, str(error))
            if self._feed.clock == "feed" and not is_loopback(target):
                raise FeedError(needs_loopback(self._feed, "its discovery file names another host"))
            url = target
            if is_last:
                self._vehicles_url = url
                self._discover_at = self._later(document.get("ttl"))
                types = vehicle_types_url(document, answer.url, self._feed.language)
                is_near = self._feed.clock == "wall" or is_loopback(types or "")
                self._types_url = types if is_near else None
                return None
        return _failed(answer, "wrong_shape", "one list of versions leads to the next")

    def _get(self, url: str, validators: Validators | None = None) -> tuple[Answer, str]:
        """An answer and the URL that brought it: a host may have gone over to https.

        The way back, from https to http, is taken only where the host itself redirects.
        """
        assert self._client is not None
        answer = self._client.get(url, validators)
        self._has_asked = True
        is_lost = answer.outcome == "unreachable" or _means_moved(answer.status)
        if url.startswith("http://") and is_lost and not is_loopback(url):
            secure = "https://" + url.removeprefix("http://")
            with suppress(SparedError):
                second = self._client.get(secure)
                if second.outcome in ("ok", "ended"):
                    return second, secure
        return answer, url

    def _reading(self, answer: Answer) -> Reading:
        if answer.outcome != "ok":
            return _failed(answer, answer.outcome)
        try:
            parsed = parse_document(decode(answer.body), self._area)
        except BodyError as error:
            return _failed(answer, error.outcome)
        return replace(_failed(answer, "ok"), validators=answer.validators, parsed=parsed)

    # The catalogue

    def _find_catalogue(self, root: Path) -> None:
        """Read the local catalogue, if there is one; else remember where it is on the web."""
        place = self._feed.catalogue
        if place is not None and place.startswith(("http://", "https://")):
            self._catalogue = place
            return
        path = root / "systems.csv" if place is None else Path(place)
        if place is None and not path.is_file():
            self._catalogue = CATALOGUE_URL
            return
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise FeedError(
                f"{self._feed.name}: cannot read the catalogue {path}; correct `catalogue`"
            ) from None
        self._use_catalogue(text)

    def _look_up(self) -> Reading | None:
        """Fetch the catalogue, once; a reading if that failed."""
        assert self._catalogue is not None
        client = Client(
            self._catalogue,
            limits=self._limits,
            allow_hosts=self._feed.allow_hosts,
            is_named=self._feed.catalogue is not None,
            contact=self._contact,
            resolve=self._resolve,
            manners=self._manners,
        )
        answer = client.get(self._catalogue)
        self._has_asked = True
        client.close()
        if answer.outcome != "ok":
            return _failed(answer, answer.outcome, answer.detail or "it is the catalogue's answer")
        self._use_catalogue(answer.body.decode(errors="replace"))
        return None

    def _use_catalogue(self, text: str) -> None:
        assert self._feed.system is not None
        try:
            url = discovery_url(text, self._feed.system)
        except FeedError as error:
            raise FeedError(f"{self._feed.name}: {error}") from None
        check_url(self._feed, url)
        self._set_entry(url, is_named=False)

    def _set_entry(self, url: str, *, is_named: bool) -> None:
        self._entry = url
        self._client = Client(
            url,
            self._headers,
            self._limits,
            query=self._query,
            allow_hosts=self._feed.allow_hosts,
            is_named=is_named,
            contact=self._contact,
            resolve=self._resolve,
            manners=self._manners,
        )


def _means_moved(status: int | None) -> bool:
    return status is not None and 300 <= status < 500 and status not in (304, 410, *_TRY_AGAIN)


def _failed(answer: Answer, outcome: str, detail: str | None = None) -> Reading:
    return Reading(
        outcome,
        answer.status,
        answer.latency_ms,
        len(answer.body),
        answer.date,
        answer.validators if outcome == "not_modified" else Validators(),
        None,
        detail or answer.detail,
    )
