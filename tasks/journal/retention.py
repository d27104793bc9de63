"""Retention: the raw data of a day are deleted once the day has served its purpose.

Raw are the journals, the sealed sightings and what was derived of them. A quality report shows
figures of single days that no guarantee covers, so it goes with them. Models, releases and the
ledger are never deleted.
"""

import datetime as dt
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasks.files import Layout, fsync_directory
from tasks.journal.day import collected_days
from tasks.region import Region
from tasks.region.service_day import day_bounds

WARNING_DAYS = 7
"""Staff are warned for so many days before a day is deleted that was never released."""

_DELETED = ".deleted"
_DAY = dt.timedelta(days=1)
Moments = Mapping[dt.date, dt.datetime]


def due(region: Region, day: dt.date, raw: Moments, settled: Moments) -> dt.datetime:
    """When the raw data of a day are to be deleted.

    A day that was released or refused is kept for the region's `retention_days` after that, and for
    as long as the day after waits for its release, whose moves begin in it. Any day is deleted
    `retention_max_days` after it was over; where the clock is a replay's, after it was collected.

    Args:
        region: The region.
        day: The service day.
        raw: The days with raw data, and when the newest of each was written.
        settled: When a day was released or refused, of those that were.

    Returns:
        The moment, UTC.
    """
    _, end = day_bounds(day, region.zone)
    over = end if region.clock == "wall" else raw[day]
    at_most = over + region.retention_max_days * _DAY
    is_awaited = day + _DAY in raw and day + _DAY not in settled
    if day not in settled or is_awaited:
        return at_most
    return min(max(end, settled[day]) + region.retention_days * _DAY, at_most)


def raw_days(region: Region, layout: Layout) -> dict[dt.date, dt.datetime]:
    """The days of a region with raw data on this machine, and when the newest was written (UTC)."""
    days = {day for room in _rooms(region, layout) for day in collected_days(room)}
    return {
        day: max(_written(folder) for folder in _folders(region, layout, day))
        for day in sorted(days)
    }


def delete_raw(region: Region, layout: Layout, day: dt.date) -> None:
    """Delete the raw data of a day from this machine, and its quality report.

    A crash leaves each directory as it was, or under another name, under which it is no day any
    more; `finish_deletions` removes those.
    """
    for folder in (layout.quality(region.id, day), *_folders(region, layout, day)):
        with suppress(FileNotFoundError):  # another process was faster
            folder.rename(folder.with_name(folder.name + _DELETED))
            fsync_directory(folder.parent)
    finish_deletions(region, layout)


def finish_deletions(region: Region, layout: Layout) -> None:
    """Remove what deletions that were cut off have left."""
    reports = layout.quality(region.id, dt.date.min).parent
    for room in (*_rooms(region, layout), reports):
        for doomed in room.glob(f"*{_DELETED}"):
            shutil.rmtree(doomed, onerror=_unless_gone)


def _rooms(region: Region, layout: Layout) -> list[Path]:
    """The directories that have a folder for each day; also of feeds that the region had before."""
    journals = layout.journal(region.id, region.feeds[0].id).parent
    of_feeds = sorted(journals.iterdir()) if journals.is_dir() else []
    any_day = dt.date.min
    of_region = (layout.sightings, layout.trips, layout.ends)
    return [*of_feeds, *(room(region.id, any_day).parent for room in of_region)]


def _folders(region: Region, layout: Layout, day: dt.date) -> list[Path]:
    folders = (room / day.isoformat() for room in _rooms(region, layout))
    return [folder for folder in folders if folder.is_dir()]


def _written(folder: Path) -> dt.datetime:
    seconds = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _unless_gone(function: Any, path: str, error: Any) -> None:
    """Two processes may delete one day."""
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]
