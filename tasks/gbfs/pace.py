"""When to ask next: as often as is useful."""

import datetime as dt

from tasks.gbfs.reader import Reading

MAX_TTL_SECONDS = 300
"""The longest ttl that is believed: the standard asks vehicle feeds to be at most 5 minutes old."""


class Pace:
    """Finds the next due time of one feed from what its polls brought.

    A feed whose ttl is over the poll interval is due when its next edition is: at the publication
    time plus the ttl. The publication time is `last_updated` by our clock: corrected by the
    smallest difference seen between the two, which is the skew of the feed's clock plus the
    shortest way to us. A shorter ttl changes nothing, since the poll interval is the floor.
    """

    def __init__(self, poll_seconds: float) -> None:
        """Begin with a feed that is not known yet.

        Args:
            poll_seconds: The region's interval: the least time between two polls.
        """
        self._interval = poll_seconds
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
        renewed = self._renewed(reading, fetched_at)
        if renewed is None:
            return soonest
        return max(soonest, min(renewed, due + dt.timedelta(seconds=MAX_TTL_SECONDS)))

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
