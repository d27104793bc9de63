"""Retention: the journal of a sealed day is deleted, once nothing depends on it any more."""

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from tasks.files import FileError, Layout, fsync_directory, read_manifest, verify_files
from tasks.journal.columns import sorted_tables
from tasks.journal.day import JournalDay, collected_days, read_day
from tasks.journal.errors import JournalError
from tasks.journal.vehicle_types import VEHICLE_TYPES_FILE
from tasks.region import Region
from tasks.region.service_day import day_bounds
from tasks.schema import POLLS

_DELETED = ".deleted"


def expire_journals(
    region: Region,
    layout: Layout,
    now: dt.datetime,
    warn: Callable[[str], None] = lambda line: None,
) -> list[tuple[str, dt.date]]:
    """Delete the journals of days that are over and sealed for the region's `retention_days`.

    Before that the sealed day is read back: every file against its SHA-256, and every poll and
    sighting against the journal's own, vehicle types where the journal's can be read. A day that
    was never sealed is kept, and so is one whose sealed files or journal have changed since.

    Args:
        region: The region; only its own feeds' journals are looked at.
        layout: Where the files lie.
        now: The present, UTC.
        warn: Takes one line for people for each day whose time has come and that is kept.

    Returns:
        Feed and service day of each deleted journal day.
    """
    deleted = []
    for feed in region.feeds:
        directory = layout.journal(region.id, feed.id)
        _finish(directory)
        for day in collected_days(directory):
            if not _is_due(region, layout.sightings(region.id, day), day, now):
                continue
            try:
                _read_back(layout.sightings(region.id, day), feed.id, read_day(directory, day))
            except (JournalError, FileError, OSError) as error:
                warn(f"{directory / day.isoformat()}: kept for longer than asked: {error}")
                continue
            _delete(directory / day.isoformat())
            deleted.append((feed.id, day))
    return deleted


def _is_due(region: Region, sealed: Path, day: dt.date, now: dt.datetime) -> bool:
    manifest = sealed / "manifest.json"
    if not manifest.exists():
        return False
    sealed_at = dt.datetime.fromtimestamp(manifest.stat().st_mtime, dt.UTC)
    _, end = day_bounds(day, region.zone)
    return now >= max(end, sealed_at) + dt.timedelta(days=region.retention_days)


def _read_back(sealed: Path, feed: str, journal: JournalDay) -> None:
    """Compare a sealed day with the journal it was made from.

    Raises:
        FileError: If the sealed day is damaged.
        JournalError: If it does not hold what the journal holds.
    """
    manifest = read_manifest(sealed)
    if manifest is None or feed not in manifest["feeds"]:
        raise JournalError(f"{sealed}: does not hold feed {feed!r}")
    verify_files(sealed, manifest)
    differing = set(journal.damaged) ^ set(manifest["feeds"][feed]["damaged"])
    if differing - {VEHICLE_TYPES_FILE}:
        raise JournalError(f"{sealed}: the journal was damaged after the day was sealed")
    polls = pq.read_table(sealed / f"{feed}.polls.parquet", schema=POLLS.arrow())
    if polls.to_pylist() != journal.table().to_pylist():
        raise JournalError(f"{sealed}: the journal holds other polls than the sealed day")
    types = f"{feed}.vehicle_types.parquet"
    is_kept = types in manifest["files"] and VEHICLE_TYPES_FILE not in journal.damaged
    if is_kept and not journal.vehicle_types.equals(pq.read_table(sealed / types)):
        raise JournalError(f"{sealed}: the journal holds other vehicle types")
    with pq.ParquetFile(sealed / f"{feed}.parquet") as file:
        groups = (file.read_row_group(index) for index in range(file.num_row_groups))
        for table in sorted_tables(journal.entries):
            if not table.num_rows and not file.num_row_groups:
                continue
            group = next(groups, None)
            if group is None or not group.equals(table):
                raise JournalError(f"{sealed}: the journal holds other sightings")
        if next(groups, None) is not None:
            raise JournalError(f"{sealed}: the journal holds fewer sightings")
    fsync_directory(sealed.parent)  # its name is on disk before the journal's is not


def _delete(folder: Path) -> None:
    """Delete a day; one that is half deleted is no day any more."""
    doomed = folder.with_name(folder.name + _DELETED)
    folder.rename(doomed)
    fsync_directory(folder.parent)
    _finish(folder.parent)


def _finish(directory: Path) -> None:
    """Delete what a deletion that was cut off left."""
    for doomed in directory.glob(f"*{_DELETED}"):
        shutil.rmtree(doomed)
