"""Service days: a region's local calendar days, 23, 24 or 25 hours long."""

import datetime as dt
from zoneinfo import ZoneInfo

from tasks.region.errors import RegionError


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


def days_between(first: dt.date, last: dt.date) -> list[dt.date]:
    """The days from one to another, both included, in order.

    Raises:
        RegionError: If the last is before the first.
    """
    if last < first:
        raise RegionError(f"the last day, {last}, is before the first, {first}; exchange them")
    return [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]


def next_shift_change(instant: dt.datetime, zone: ZoneInfo, shift_minutes: int) -> dt.datetime:
    """The first whole minute after an instant at which the local clock changes shifts.

    It shows a multiple of the shift's length then, as in the schedule of the shifts; so an hour
    that is repeated or left out for the time of the year is one shift more or less.

    Examples:
        >>> kolkata, noon = ZoneInfo("Asia/Kolkata"), dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)
        >>> next_shift_change(noon, kolkata, 60).isoformat()
        '2026-05-20T12:30:00+00:00'
    """
    minute = dt.timedelta(minutes=1)
    moment = instant.astimezone(dt.UTC).replace(second=0, microsecond=0) + minute
    while _minute_of_day(moment.astimezone(zone)) % shift_minutes:
        moment += minute
    return moment


def _minute_of_day(local: dt.datetime) -> int:
    return 60 * local.hour + local.minute


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
