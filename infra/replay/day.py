"""A service day cut into polls."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.replay.source import ReplayError


def zone_named(name: str) -> ZoneInfo:
    """The time zone of that IANA name.

    Raises:
        ReplayError: If there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ReplayError(
            f"unknown time zone {name!r}; use an IANA name such as Europe/Berlin"
        ) from error


@dataclass(frozen=True)
class ServiceDay:
    """A region's local calendar day (23 to 25 hours), polled from its first second on.

    Attributes:
        date: The local date.
        time_zone: IANA name.
        poll_seconds: Time between two polls, 1 to 60 seconds, a divisor of 60.

    Raises:
        ReplayError: If the time zone is unknown or `poll_seconds` out of range.

    Examples:
        >>> day = ServiceDay(dt.date(2026, 3, 29), "Europe/Berlin", 60)
        >>> day.polls  # clocks go forward: 23 hours
        1380
        >>> day.time(1) - day.start
        60
    """

    date: dt.date
    time_zone: str
    poll_seconds: int = 60

    def __post_init__(self) -> None:
        zone_named(self.time_zone)
        if self.poll_seconds < 1 or 60 % self.poll_seconds:
            raise ReplayError(
                f"polls every {self.poll_seconds} seconds cannot be played; "
                "use a divisor of 60, for example 60, 30 or 20"
            )

    def _midnight(self, date: dt.date) -> int:
        zone = zone_named(self.time_zone)
        return int(dt.datetime.combine(date, dt.time(), zone).timestamp())

    @cached_property
    def start(self) -> int:
        """Local midnight, Unix seconds."""
        return self._midnight(self.date)

    @cached_property
    def end(self) -> int:
        """The next local midnight, Unix seconds."""
        return self._midnight(self.date + dt.timedelta(days=1))

    @property
    def polls(self) -> int:
        """Number of polls, from midnight to before the next midnight."""
        return (self.end - self.start) // self.poll_seconds

    def time(self, poll: int) -> int:
        """When a poll takes place, Unix seconds; from the day's end on, its last second."""
        return min(self.start + poll * self.poll_seconds, self.end - 1)
