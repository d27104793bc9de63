"""Service days: a region's local calendar days, 23, 24 or 25 hours long."""

import datetime as dt
from zoneinfo import ZoneInfo


def day_bounds(day: dt.date, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """First instant of a service day and first instant after it, both in UTC.

    Examples:
        >>> start, end = day_bounds(dt.date(2026, 3, 29), ZoneInfo("Europe/Berlin"))
        >>> start.isoformat(), (end - start) / dt.timedelta(hours=1)
        ('2026-03-28T23:00:00+00:00', 23.0)
    """
    return _midnight(day, zone), _midnight(day + dt.timedelta(days=1), zone)


def service_day_of(instant: dt.datetime, zone: ZoneInfo) -> dt.date:
    """The service day that holds an instant (an aware datetime)."""
    return instant.astimezone(zone).date()


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
