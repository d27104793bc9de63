"""A calendar of the days of a region: which are published, and how well they were seen."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from tasks.archive.entry import Entry

GRADES = (0.8, 0.9, 0.95, 0.99)
"""From which coverage on a day is drawn in the next darker of five colours."""
_WEEK = dt.timedelta(days=7)


@dataclass(frozen=True)
class Day:
    """A day of a calendar.

    Attributes:
        day: The date.
        entry: Its newest revision; None if nothing is published.
    """

    day: dt.date
    entry: Entry | None

    @property
    def kind(self) -> str:
        """How it is drawn: `none`, `withdrawn`, or `g0` to `g4` by its coverage."""
        if self.entry is None:
            return "none"
        if self.entry.withdrawn is not None:
            return "withdrawn"
        return f"g{sum(self.entry.coverage >= grade for grade in GRADES)}"


@dataclass(frozen=True)
class Year:
    """The part of a year from the first to the last published day of it, in whole weeks.

    Attributes:
        year: The year.
        months: Name of each month that begins in it, and the number of weeks up to the next one.
        weekdays: For Monday to Sunday its day in each week; None outside the year.
    """

    year: int
    months: tuple[tuple[str, int], ...]
    weekdays: tuple[tuple[Day | None, ...], ...]


def grades() -> list[str]:
    """What each colour stands for, in words.

    Examples:
        >>> grades()
        ['under 80 %', '80 %', '90 %', '95 %', '99 % and more']
    """
    first, *middle = [f"{grade:.0%}".replace("%", " %") for grade in GRADES]
    return [f"under {first}", first, *middle[:-1], f"{middle[-1]} and more"]


def calendar(days: Sequence[Entry]) -> list[Year]:
    """The years of a region, newest first.

    Args:
        days: The newest revision of each of its days, in order.
    """
    years = groupby(days, key=lambda entry: entry.service_day.year)
    return [_year(year, list(entries)) for year, entries in years][::-1]


def _year(year: int, entries: Sequence[Entry]) -> Year:
    known = {entry.service_day: entry for entry in entries}
    monday = entries[0].service_day - dt.timedelta(days=entries[0].service_day.weekday())
    weeks = [monday]
    while weeks[-1] + _WEEK <= entries[-1].service_day:
        weeks.append(weeks[-1] + _WEEK)
    weekdays = tuple(
        tuple(
            Day(day, known.get(day)) if day.year == year else None
            for day in (week + dt.timedelta(days=weekday) for week in weeks)
        )
        for weekday in range(7)
    )
    # a week belongs to the month of its last day
    months = [min(week + dt.timedelta(days=6), entries[-1].service_day).month for week in weeks]
    runs = ((month, len(list(run))) for month, run in groupby(months))
    named = tuple((f"{dt.date(year, month, 1):%B}", length) for month, length in runs)
    return Year(year, named, weekdays)
