"""Shifts: polling one feed into its journal until a clock passes a moment."""

import datetime as dt
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tasks.gbfs import FeedReader, Manners, Reading, SparedError, Validators
from tasks.gbfs.pace import Pace
from tasks.journal.coverage import latest_due
from tasks.journal.errors import JournalError, UnseenFeedError
from tasks.journal.journal import Journal
from tasks.journal.metrics import note_poll
from tasks.journal.record import Poll
from tasks.region import Feed, Region
from tasks.region.service_day import day_bounds, service_day_of
from tasks.schema.polls import SEEN

MAX_FAILURES = 5
"""On the feed's clock, so many polls in a row may fail: time stands still meanwhile."""

MAX_STANDSTILL = 1000
"""On the feed's clock, so many answers in a row may bring no later time."""

JITTER = 0.05
"""A poll leaves up to this share of the poll interval late, and at most `JITTER_SECONDS`."""

JITTER_SECONDS = 2.0

_WHY = {
    "unreachable": "no connection; is the URL right, and the server up?",
    "timeout": "no complete answer in time; is the server well?",
    "http_error": "the server refuses; are the URL and the authentication headers right?",
    "too_large": "the body is larger than any feed; is the URL right?",
    "bad_encoding": "the body breaks off or is not the gzip it is said to be; is the server well?",
    "not_json": "the body is not JSON; is the URL that of a web page?",
    "wrong_shape": "the JSON is neither a discovery file that names a vehicle feed nor a list of "
    "vehicles; is the URL right?",
    "ended": "the feed says that it is over; is there a newer URL?",
}


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> dt.datetime:
        """The present, UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class WallClock:
    """The clock of this machine."""

    def now(self) -> dt.datetime:
        """The present, UTC."""
        return dt.datetime.now(dt.UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass
class Shift:
    """What a shift has done so far.

    Attributes:
        polls: Polls that were stored.
        sightings: Sightings they brought.
        outcomes: Polls by outcome.
        repeated: Answers that were stored before and dropped: a replay that began again.
        last_fetched_at: When the last answered poll was fetched, this shift's or an earlier one's.
        ended: Whether the feed said that it is over.
    """

    polls: int = 0
    sightings: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    last_fetched_at: dt.datetime | None = None
    ended: bool = False

    def report(self) -> dict[str, Any]:
        """The counts as JSON values; the time is ISO 8601, UTC."""
        last = self.last_fetched_at
        return {
            "polls": self.polls,
            "sightings": self.sightings,
            "outcomes": dict(sorted(self.outcomes.items())),
            "repeated": self.repeated,
            "last_fetched_at": None if last is None else last.isoformat(),
            "ended": self.ended,
        }


def run_shift(
    region: Region,
    feed: Feed,
    journal: Journal,
    day: dt.date,
    until: dt.datetime | None = None,
    warn: Callable[[str], None] = lambda line: None,
    clock: Clock | None = None,
) -> Shift:
    """Poll a feed into its journal until its clock passes a moment, or the feed is over.

    A shift that was cut off is run again: it goes on after what is acknowledged.

    Args:
        region: The region.
        feed: One of its feeds.
        journal: The feed's journal.
        day: The service day; the shift ends with it at the latest.
        until: End of the shift, on the feed's own clock if it has one. Default: end of the day.
        warn: Takes one line for people when the feed begins to fail, or is empty.
        clock: For feeds on the wall clock. Default: this machine's.

    Raises:
        FeedError: If the region's file describes the feed in a way that cannot be polled.
        UnseenFeedError: If polling is pointless: `MAX_FAILURES` failures in a row on the feed's
            clock, or a whole shift on the wall clock.
        JournalError: If the journal cannot be written.
    """
    start, end = day_bounds(day, region.zone)
    end = end if until is None else min(until, end)
    clock = clock or WallClock()
    manners = None  # a replay is asked as fast as it answers
    if feed.clock == "wall":
        manners = Manners.of_machine(lambda: clock.now().timestamp(), clock.sleep)
    with FeedReader(
        feed, area=region.service_area, contact=region.contact, manners=manners
    ) as reader:
        work = _Work(region, feed, reader, journal, _Warnings(feed, warn))
        work.shift.last_fetched_at = journal.last_answered(day)
        if feed.clock == "feed":
            _on_feed_clock(work, day, start, end)
        else:
            _on_wall_clock(work, day, start, end, clock)
    return work.shift


class _Warnings:
    """One line per kind of trouble and shift."""

    def __init__(self, feed: Feed, warn: Callable[[str], None]) -> None:
        self._feed = feed
        self._warn = warn
        self._given: set[str] = set()

    def look_at(self, reading: Reading) -> None:
        if reading.outcome not in (*SEEN, "ended"):
            self.give(reading.outcome, _trouble(reading))
        if reading.parsed is not None and not reading.parsed.sightings.num_rows:
            self.give("empty", "the feed shows no vehicle; polling goes on")

    def give(self, kind: str, line: str) -> None:
        if kind not in self._given:
            self._given.add(kind)
            self._warn(f"{self._feed.name}: {line}")


@dataclass
class _Work:
    """Everything a shift works with."""

    region: Region
    feed: Feed
    reader: FeedReader
    journal: Journal
    warnings: _Warnings
    shift: Shift = field(default_factory=Shift)
    _validators: Validators | None = (
        None  # of the last body that was stored; each shift begins with a body
    )

    def read(self) -> Reading:
        reading = self.reader.read(self._validators)
        self.warnings.look_at(reading)
        return reading

    def store(self, reading: Reading, due_at: dt.datetime, fetched_at: dt.datetime) -> None:
        parsed = reading.parsed
        poll = Poll(
            feed=self.feed.id,
            due_at=due_at,
            fetched_at=fetched_at,
            outcome=reading.outcome,
            status=reading.status,
            latency_ms=reading.latency_ms,
            bytes=reading.bytes,
            last_updated=None if parsed is None else parsed.last_updated,
            vehicles=0 if parsed is None else parsed.sightings.num_rows,
            quarantined={} if parsed is None else parsed.quarantined,
            version=None if parsed is None else parsed.version,
            ttl=None if parsed is None else parsed.ttl,
        )
        before = self.journal.last_answered_poll(service_day_of(fetched_at, self.region.zone))
        self.journal.append(poll, None if parsed is None else parsed.sightings)
        note_poll(self.region, self.feed, poll, before)
        if poll.is_answered:
            self._validators = reading.validators
            self.shift.last_fetched_at = fetched_at
            self._keep_vehicle_types(fetched_at)
        self.shift.polls += 1
        self.shift.sightings += poll.vehicles
        self.shift.outcomes[poll.outcome] += 1

    def _keep_vehicle_types(self, at: dt.datetime) -> None:
        """Store the feed's vehicle types where they are due; without them polling goes on."""
        types = self.reader.read_vehicle_types()
        if types is not None:
            try:
                self.journal.keep_vehicle_types(types, at)
            except JournalError as error:
                self.warnings.give("vehicle types", f"the vehicle types are not kept: {error}")


def _on_wall_clock(
    work: _Work, day: dt.date, start: dt.datetime, end: dt.datetime, clock: Clock
) -> None:
    """Poll at the due times of the day that remain, at once if the present one has no poll.

    A due time is left out while the feed's ttl says that nothing new can have come, and while the
    feed or its host, which may be in trouble since an earlier shift, is spared.
    """
    seconds = work.feed.poll_seconds
    interval = dt.timedelta(seconds=seconds)
    due = latest_due(max(clock.now(), start), start, seconds)
    last = work.journal.last_poll(day)
    if last is not None and last.due_at >= due:
        due += interval
    reading = None
    pace = Pace(seconds)
    while due < end and not work.shift.ended:
        late = random.uniform(0, min(JITTER * seconds, JITTER_SECONDS))
        wait = (due - clock.now()).total_seconds()
        if wait > 0:
            clock.sleep(wait + late)
        try:
            reading = work.read()
        except SparedError as spared:
            work.warnings.give("spared", str(spared))
            due = max(due, spared.until)
            continue
        fetched_at = clock.now()
        work.store(reading, due, fetched_at)
        work.shift.ended = reading.outcome == "ended"
        soonest = max(due + interval, latest_due(clock.now(), start, seconds))
        due = pace.next_due(reading, due, fetched_at, soonest)
    seen = any(work.shift.outcomes[outcome] for outcome in SEEN)
    if reading is not None and not seen and not work.shift.ended:
        raise UnseenFeedError(
            f"{work.feed.name}: none of the shift's {work.shift.polls} polls was answered; "
            f"{_trouble(reading)}"
        )


def _on_feed_clock(work: _Work, day: dt.date, start: dt.datetime, end: dt.datetime) -> None:
    """Poll without a pause; each answer says what time it is."""
    now: dt.datetime | None = None  # what the replay's clock said last
    failures = standstill = 0
    while (work.shift.last_fetched_at or start) < end and (now or start) < end:
        reading = work.read()
        if reading.outcome == "ended":
            _store_end(work, reading, day, now or work.shift.last_fetched_at or start)
            return
        told = _time_told(reading)
        if reading.outcome not in SEEN:
            failures += 1
            at = told or now or work.shift.last_fetched_at or start
            if at >= (_last_answered(work, at) or at):
                work.store(reading, _due(work, at), at)
            if failures >= MAX_FAILURES:
                raise UnseenFeedError(
                    f"{work.feed.name}: {failures} polls in a row failed; {_trouble(reading)}; "
                    "what was collected is kept, run again to go on"
                )
            continue
        failures = 0
        if told is None:
            raise UnseenFeedError(
                f"{work.feed.name}: `clock: feed`, but neither the Date header nor last_updated "
                "tells the time; is this a replay server?"
            )
        standstill = standstill + 1 if now is not None and told <= now else 0
        if standstill >= MAX_STANDSTILL:
            raise UnseenFeedError(
                f"{work.feed.name}: `clock: feed`, but time stands still at {told.isoformat()}; "
                "is this a replay server?"
            )
        now = told
        last = _last_answered(work, told)
        if last is not None and told <= last:
            work.shift.repeated += 1
        else:
            work.store(reading, _due(work, told), told)


def _store_end(work: _Work, reading: Reading, day: dt.date, at: dt.datetime) -> None:
    """Note that the feed is over, once: the same replay may be asked again."""
    work.shift.ended = True
    last = work.journal.last_poll(service_day_of(at, work.region.zone))
    if last is None or last.outcome != "ended":
        work.store(reading, _due(work, at), at)


def _time_told(reading: Reading) -> dt.datetime | None:
    if reading.date is not None:
        return reading.date
    return None if reading.parsed is None else reading.parsed.last_updated


def _last_answered(work: _Work, moment: dt.datetime) -> dt.datetime | None:
    """The last answered poll of the service day that holds a moment."""
    return work.journal.last_answered(service_day_of(moment, work.region.zone))


def _due(work: _Work, moment: dt.datetime) -> dt.datetime:
    """On the feed's clock a poll is due when its turn of the day's schedule has come."""
    start, _ = day_bounds(service_day_of(moment, work.region.zone), work.region.zone)
    return latest_due(moment, start, work.feed.poll_seconds)


def _trouble(reading: Reading) -> str:
    status = f", HTTP {reading.status}" if reading.status is not None else ""
    detail = f" ({reading.detail})" if reading.detail is not None else ""
    return f"outcome {reading.outcome}{status}: {_WHY[reading.outcome]}{detail}"
