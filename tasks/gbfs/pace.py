"""When to ask next: as often as is useful, and not while a host asks to be spared."""

import datetime as dt
import random
from collections.abc import Callable

from tasks.gbfs.reader import Reading

MAX_TTL_SECONDS = 300
"""The longest ttl that is believed: the standard asks vehicle feeds to be at most 5 minutes old."""

BACKOFF_CEILING_SECONDS = 900
"""A host in trouble is asked at least this often, unless it says otherwise."""

MAX_RETRY_AFTER_SECONDS = 3600
"""The longest `Retry-After` that is obeyed."""

_TROUBLE = ("timeout", "unreachable")
_BUSY = (408, 425, 429)


class Pace:
    """Finds the next due time of one feed from what its polls brought.

    A feed whose ttl is over the poll interval is due when its next edition is: at the publication
    time plus the ttl. The publication time is `last_updated` by our clock: corrected by the
    smallest difference seen between the two, which is the skew of the feed's clock plus the
    shortest way to us. A shorter ttl changes nothing, since the poll interval is the floor.

    After 429, 5xx, a time-out or no connection, the feed is spared: for a random time below the
    poll interval times 0, 1, 3, 7, ... (exponential back-off with jitter), at most
    `BACKOFF_CEILING_SECONDS`, and for as long as `Retry-After` says.
    """

    def __init__(
        self, poll_seconds: float, draw: Callable[[float, float], float] = random.uniform
    ) -> None:
        """Begin with a feed that is not known yet.

        Args:
            poll_seconds: The region's interval: the least time between two polls.
            draw: A random number between two bounds.
        """
        self._interval = poll_seconds
        self._draw = draw
        self._failures = 0
        self._skew: dt.timedelta | None = None

    def next_due(
        self, reading: Reading, due: dt.datetime, fetched_at: dt.datetime, soonest: dt.datetime
    ) -> dt.datetime:
        """When the feed is due again.

        Args:
            reading: What the last poll brought.
            due: When it was due.
            fetched_at: When it ended, by our clock.
            soonest: The next due time of the region's schedule.
        """
        if is_trouble(reading):
            self._failures += 1
            wait = self._seconds_spared(reading)
            return max(soonest, fetched_at + dt.timedelta(seconds=wait)) if wait else soonest
        self._failures = 0
        renewed = self._renewed(reading, fetched_at)
        if renewed is None:
            return soonest
        return max(soonest, min(renewed, due + dt.timedelta(seconds=MAX_TTL_SECONDS)))

    def _seconds_spared(self, reading: Reading) -> float:
        factor = 2 ** min(self._failures - 1, 20) - 1
        most = min(self._interval * factor, BACKOFF_CEILING_SECONDS)
        seconds = self._draw(most / 2, most)
        asked = min(reading.retry_after or 0.0, MAX_RETRY_AFTER_SECONDS)
        if asked:  # not all at the very second that the host named
            asked += self._draw(0, min(self._interval, 0.1 * asked))
        return max(seconds, asked)

    def _renewed(self, reading: Reading, fetched_at: dt.datetime) -> dt.datetime | None:
        """When the feed brings something new, if that is later than the schedule's next time."""
        parsed = reading.parsed
        if parsed is None or parsed.last_updated is None:
            return None
        difference = fetched_at - parsed.last_updated
        self._skew = difference if self._skew is None else min(self._skew, difference)
        ttl = min(parsed.ttl or 0, MAX_TTL_SECONDS)
        if ttl <= self._interval:
            return None
        return parsed.last_updated + self._skew + dt.timedelta(seconds=ttl)


def is_trouble(reading: Reading) -> bool:
    """Whether a host is to be spared for a while: 408, 425, 429, 5xx, a time-out, or silence."""
    status = reading.status
    return reading.outcome in _TROUBLE or (
        reading.outcome == "http_error"
        and status is not None
        and (status in _BUSY or status >= 500)
    )
