"""Earlier releases of a region that a day may be compared with: published rows, nothing else."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks import OpentripsError
from tasks.files import read_manifest
from tasks.release.revisions import offered

WITHIN_DAYS = 28
MOST_DAYS = 8
SATURDAY = 5


@dataclass(frozen=True)
class PastDay:
    """What a region published of an earlier day.

    Attributes:
        day: The day.
        tables: The rows of each table.
    """

    day: dt.date
    tables: dict[str, pa.Table]


def comparable_days(published: Iterable[dt.date], day: dt.date) -> list[dt.date]:
    """The days that a day is like, newest first: those of up to four weeks before it.

    Working days are compared with working days and weekends with weekends, as long as there are
    some.

    Args:
        published: Days of which the region has published something.
        day: The day.

    Examples:
        >>> friday, saturday, sunday = (dt.date(2026, 5, d) for d in (15, 16, 17))
        >>> [d.day for d in comparable_days([friday, saturday], sunday)]
        [16]
        >>> [d.day for d in comparable_days([friday], sunday)]
        [15]
    """
    recent = sorted(
        (past for past in published if 0 < (day - past).days <= WITHIN_DAYS), reverse=True
    )
    alike = [past for past in recent if (past.weekday() >= SATURDAY) == (day.weekday() >= SATURDAY)]
    return alike or recent


def past_days(
    days: Iterable[dt.date],
    releases_of: Callable[[dt.date], Path],
    names: Sequence[str],
    tell: Callable[[str], None],
) -> list[PastDay]:
    """The first of some days whose rows are offered and whole.

    A day that is withdrawn is left out, and so is one of other tables. One that was altered is
    left out and told of: it is no fault of the day that is looked at.

    Args:
        days: The days, those that are wanted most first.
        releases_of: The directory of a day's revisions.
        names: Names of the tables.
        tell: Takes a line for people.

    Returns:
        At most `MOST_DAYS` of them.
    """
    found: list[PastDay] = []
    for day in days:
        if len(found) == MOST_DAYS:
            break
        try:
            release = offered(releases_of(day))
        except OpentripsError as error:
            tell(f"{day} is not compared with: {error}")
            continue
        if release is None or not {*names} <= {*(read_manifest(release) or {}).get("tables", {})}:
            continue
        tables = {name: pq.read_table(release / f"{name}.parquet") for name in names}
        found.append(PastDay(day, tables))
    return found
