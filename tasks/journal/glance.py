"""A glance at a feed: polled for some minutes into a journal that is thrown away."""

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from tasks.files import Layout
from tasks.gbfs import Client, FeedError, Manners
from tasks.gbfs.address import is_loopback
from tasks.gbfs.settings import resolved_url
from tasks.journal.errors import UnseenFeedError
from tasks.journal.journal import Journal
from tasks.journal.sealing import seal_day
from tasks.journal.shift import Clock, Shift, run_shift
from tasks.region import Box, Feed, Region
from tasks.region.service_day import next_shift_change, service_day_of

MOST_MINUTES = 720
"""The longest glance; it must end on the day on which it begins."""

REPLAY_SECONDS = 300
"""A server on this machine whose clock is further from ours plays another day."""

NAME = "look"
"""Of the region and the feed while they are looked at."""


@dataclass(frozen=True)
class Glance:
    """A feed that is looked at.

    Attributes:
        feed: The feed, with the clock that it is read by.
        begun: When the glance begins, by that clock.
        clock: For feeds on the wall clock.
        layout: Where the journal and the sealed day lie.
    """

    feed: Feed
    begun: dt.datetime
    clock: Clock
    layout: Layout

    @classmethod
    def at(cls, url: str, clock: Clock, layout: Layout) -> "Glance":
        """One that begins now; a replay server on this machine is read by its own clock.

        Args:
            url: As a region's file has it.
            clock: For feeds that are live.
            layout: Of an empty folder.

        Raises:
            FeedError: If the URL cannot be polled.
        """
        feed = Feed(id=NAME, url=url)
        now, played = clock.now(), _time_played(resolved_url(feed))
        if played is None or abs((played - now).total_seconds()) <= REPLAY_SECONDS:
            return cls(feed, now, clock, layout)
        return cls(feed.model_copy(update={"clock": "feed"}), played, clock, layout)

    @property
    def zone(self) -> ZoneInfo:
        """A time zone in which the glance begins in the first hour of a day, and ends on it."""
        hour = self.begun.astimezone(dt.UTC).hour
        return ZoneInfo(f"Etc/GMT{hour if hour <= 12 else hour - 24:+d}")

    @property
    def day(self) -> dt.date:
        """The day of the glance in that zone."""
        return service_day_of(self.begun, self.zone)

    def manners(self) -> Manners | None:
        """When hosts may be asked for what is beside the vehicles."""
        if self.feed.clock == "feed":
            return None
        return Manners.of_machine(lambda: self.clock.now().timestamp(), self.clock.sleep)

    def see_first(self) -> None:
        """Poll once; where that fails, nothing is waited for.

        Raises:
            FeedError: If there is no answer, or the feed is over.
        """
        warnings: list[str] = []
        shift = Shift()
        with self._journal() as journal:
            while not shift.polls and not warnings:
                until = self.begun + dt.timedelta(milliseconds=1)
                if self.feed.clock == "wall":
                    until = next_shift_change(self.clock.now(), self.zone, 1)
                with suppress(UnseenFeedError):
                    shift = self._poll(journal, (), until, warnings.append)
            if journal.last_answered(self.day) is None:
                over = "the feed says that it is over; is there a newer URL?"
                lost = "its clock runs on to another day; give the URL of its gbfs.json"
                why = f"{self.feed.name}: {over if shift.ended else lost}"
                raise FeedError(warnings[-1] if warnings else why)

    def see(self, minutes: float, area: Sequence[Box], warn: Callable[[str], None]) -> None:
        """Poll on; polls that fail are part of what is seen.

        Args:
            minutes: Since the glance began, at most `MOST_MINUTES`.
            area: The service area, if it is known; else the whole Earth.
            warn: Takes one line for people when the feed begins to fail.
        """
        until = self.begun + dt.timedelta(minutes=minutes)
        with self._journal() as journal, suppress(UnseenFeedError):
            self._poll(journal, area, until, warn)

    def seal(self) -> dict[str, Any]:
        """Seal what was seen; returns what the manifest says of the feed."""
        facts: dict[str, Any] = seal_day(self.region(), self.day, self.layout)["feeds"][NAME]
        return facts

    def region(self, area: Sequence[Box] = ()) -> Region:
        """The region that is looked at, of which only the zone need be known."""
        return Region.model_construct(
            id=NAME,
            name=NAME,
            time_zone=self.zone.key,
            service_area=tuple(area),
            feeds=(self.feed,),
        )

    def _poll(
        self, journal: Journal, area: Sequence[Box], until: dt.datetime, warn: Callable[[str], None]
    ) -> Shift:
        return run_shift(self.region(area), self.feed, journal, self.day, until, warn, self.clock)

    def _journal(self) -> Journal:
        return Journal(self.layout.journal(NAME, NAME), NAME, NAME, self.zone)


def _time_played(url: str) -> dt.datetime | None:
    """What a server on this machine says of the time; others are not asked."""
    if not is_loopback(url):
        return None
    client = Client(url)
    date = client.get(url).date
    client.close()
    return date
