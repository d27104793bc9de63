"""Sealing: one service day of a region's journals becomes Parquet files and a manifest."""

import datetime as dt
import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.files import Layout, move_into_place, read_manifest, verify_files, write_manifest
from tasks.journal.columns import sorted_tables
from tasks.journal.coverage import coverage, due_polls, gaps
from tasks.journal.day import JournalDay, collected_days, read_day
from tasks.journal.errors import JournalError, NothingCollectedError
from tasks.journal.freshness import skew_seconds, stale
from tasks.journal.journal import check_identity
from tasks.region import Feed, Region
from tasks.region.service_day import day_bounds
from tasks.schema import SIGHTINGS

_COMPRESSION = {"compression": "zstd", "compression_level": 3}
_DICTIONARIES = ["vehicle_id", "vehicle_type_id", "current_range_meters"]
_ENCODINGS = {
    "fetched_at": "DELTA_BINARY_PACKED",
    # parked vehicles repeat their bytes and jittering ones their upper bytes: half the length of
    # deltas when few fixes move, a little less when all do
    "latitude_e6": "BYTE_STREAM_SPLIT",
    "longitude_e6": "BYTE_STREAM_SPLIT",
}


def seal_day(region: Region, day: dt.date, layout: Layout) -> dict[str, Any]:
    """Seal what was collected of a service day; a sealed day is verified and stays as it is.

    For each feed the directory gets `<feed>.parquet`, the sightings sorted by `vehicle_id` and
    `fetched_at` with no vehicle in two row groups, `<feed>.polls.parquet`, its polls by
    `fetched_at`, and `<feed>.vehicle_types.parquet`, the types that it declared, sorted by
    `vehicle_type_id`. The same journal always gives the same bytes.

    Args:
        region: The region; its journals are read, never changed.
        day: The service day.
        layout: Where the files lie.

    Returns:
        The manifest: start and end of the day (ISO 8601, UTC) and for each feed what was seen
        and what was not.

    Raises:
        NothingCollectedError: If no poll of the day was answered.
        JournalError: If a journal is another region's, if somebody else is sealing the day, or if
            the disk refuses; what was collected stays, and the day can be sealed again.
        FileError: If the day was sealed and a file of it has changed since.
    """
    final = layout.sightings(region.id, day)
    try:
        if (sealed := _verified(final)) is not None:
            return sealed
        with _staging(final) as staged:
            if _verified(final) is None:  # else the process that held the lock sealed it
                _seal(region, day, layout, staged)
                _move(staged, final)
        return _verified(final) or {}
    except OSError as error:
        raise JournalError(
            f"{final}: cannot seal: {error.strerror or error}; what was collected is safe, "
            "free the disk and run again"
        ) from error


def _seal(region: Region, day: dt.date, layout: Layout, staged: Path) -> None:
    """Write the files of a day into an empty directory, the manifest last."""
    journals = {feed.id: _read(region, feed, day, layout) for feed in region.feeds}
    if not any(poll.is_answered for journal in journals.values() for poll in journal.polls):
        raise NothingCollectedError(_nothing(region, day, layout))
    start, end = day_bounds(day, region.zone)
    facts = {
        feed.id: _seal_feed(staged, feed, journals[feed.id], start, end) for feed in region.feeds
    }
    fields = {
        "kind": "sightings",
        "region": region.id,
        "service_day": day.isoformat(),
        "start": start.isoformat(),
        "end": end.isoformat(),
        "schema_version": SIGHTINGS.version,
        "feeds": facts,
    }
    write_manifest(staged, fields, [path.name for path in staged.iterdir()])


def _move(staged: Path, final: Path) -> None:
    try:
        move_into_place(staged, final)
    except FileExistsError as error:
        raise JournalError(
            f"{final}: is there but has no manifest, so no seal made it; move it away"
        ) from error


def _verified(directory: Path) -> dict[str, Any] | None:
    manifest = read_manifest(directory)
    if manifest is not None:
        verify_files(directory, manifest)
    return manifest


@contextmanager
def _staging(final: Path) -> Iterator[Path]:
    """An empty directory beside the final one, which one process has to itself.

    What a killed seal left there is removed.
    """
    staged = final.with_name(f".{final.name}.sealing")
    staged.mkdir(parents=True, exist_ok=True)
    lock = os.open(staged, os.O_RDONLY)
    try:
        _lock(lock, final)
        for leftover in staged.iterdir():
            leftover.unlink()
        try:
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)  # a finished one has its final name by now
    finally:
        os.close(lock)


def _lock(descriptor: int, final: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalError(f"{final}: another process is sealing this day; wait for it") from None


def _read(region: Region, feed: Feed, day: dt.date, layout: Layout) -> JournalDay:
    directory = layout.journal(region.id, feed.id)
    check_identity(directory, region.id, feed.id, region.zone)
    return read_day(directory, day)


def _nothing(region: Region, day: dt.date, layout: Layout) -> str:
    days = {
        collected
        for feed in region.feeds
        for collected in collected_days(layout.journal(region.id, feed.id))
    } - {day}
    hint = f"there are polls of {', '.join(map(str, sorted(days)))}" if days else "collect it first"
    return f"region {region.id!r}: nothing was collected on {day}, so nothing is sealed; {hint}"


def _seal_feed(
    directory: Path, feed: Feed, journal: JournalDay, start: dt.datetime, end: dt.datetime
) -> dict[str, Any]:
    """Write the files of a feed; returns its part of the manifest."""
    sightings, polls = directory / f"{feed.id}.parquet", directory / f"{feed.id}.polls.parquet"
    rows = vehicles = 0
    with pq.ParquetWriter(
        sightings,
        SIGHTINGS.arrow(),
        use_dictionary=_DICTIONARIES,
        column_encoding=_ENCODINGS,
        **_COMPRESSION,
    ) as writer:
        for table in sorted_tables(journal.entries):
            writer.write_table(table, row_group_size=max(table.num_rows, 1))
            rows += table.num_rows
            vehicles += pc.count_distinct(table["vehicle_id"]).as_py()  # none is in two tables
    pq.write_table(journal.table(), polls, **_COMPRESSION)
    pq.write_table(
        journal.vehicle_types, directory / f"{feed.id}.vehicle_types.parquet", **_COMPRESSION
    )
    return {"rows": rows, "vehicles": vehicles} | _facts(feed, journal, start, end)


def _facts(feed: Feed, journal: JournalDay, start: dt.datetime, end: dt.datetime) -> dict[str, Any]:
    """What the manifest says of a feed's polls."""
    polls, interval = journal.polls, feed.poll_seconds
    holes = gaps(polls, start, end, interval)
    quarantined: Counter[str] = Counter()
    for poll in polls:
        quarantined.update(poll.quarantined)
    return {
        "polls": len(polls),
        "outcomes": dict(sorted(Counter(poll.outcome for poll in polls).items())),
        "due": due_polls(start, end, interval),
        "coverage": coverage(polls, start, end, interval),
        "first_fetched_at": polls[0].fetched_at.isoformat() if polls else None,
        "last_fetched_at": polls[-1].fetched_at.isoformat() if polls else None,
        "gaps": [[before.isoformat(), after.isoformat()] for before, after in holes],
        "longest_gap_seconds": max(
            ((after - before).total_seconds() for before, after in holes), default=0.0
        ),
        "skew_seconds": skew_seconds(polls),
        "stale": [[first.isoformat(), last.isoformat()] for first, last in stale(polls)],
        "clock_steps": [
            {"fetched_at": poll.fetched_at.isoformat(), "seconds": poll.clock_step_ms / 1000}
            for poll in polls
            if poll.clock_step_ms is not None
        ],
        "quarantined": dict(sorted(quarantined.items())),
        "vehicle_types": journal.vehicle_types.num_rows,
        "damaged": list(journal.damaged),
    }
