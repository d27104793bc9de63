"""Reading a journal: the polls of one service day and the sightings each brought."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from tasks.journal.record import Poll, decode_poll, decode_sightings
from tasks.journal.segment import SUFFIX, scan
from tasks.journal.vehicle_types import VEHICLE_TYPES_FILE, read_vehicle_types
from tasks.schema import POLLS, VEHICLE_TYPES


@dataclass(frozen=True)
class Entry:
    """One acknowledged poll, and where in the journal it lies."""

    poll: Poll
    path: Path
    offset: int
    length: int

    def sightings(self) -> pa.RecordBatch:
        """What the poll brought, columns of `tasks.schema.SIGHTINGS_OF_A_POLL`."""
        return decode_sightings(_payload(*self.place))

    @property
    def place(self) -> tuple[Path, int, int]:
        """File, offset and length of its frame's payload."""
        return self.path, self.offset, self.length


@dataclass(frozen=True)
class JournalDay:
    """What a journal holds of one service day.

    Attributes:
        entries: Every acknowledged poll once, by `fetched_at`.
        damaged: Names of the files with bytes that were acknowledged and cannot be read any
            more; what they held is missing here.
        vehicle_types: What the feed declared, columns of `tasks.schema.VEHICLE_TYPES`.
    """

    entries: tuple[Entry, ...]
    damaged: tuple[str, ...]
    vehicle_types: pa.Table = field(default_factory=VEHICLE_TYPES.arrow().empty_table)

    @property
    def polls(self) -> tuple[Poll, ...]:
        """The polls alone."""
        return tuple(entry.poll for entry in self.entries)

    def table(self) -> pa.Table:
        """The polls, columns of `tasks.schema.POLLS`."""
        rows = [entry.poll.row() for entry in self.entries]
        return pa.Table.from_pylist(rows, schema=POLLS.arrow())


def collected_days(directory: Path) -> list[dt.date]:
    """The service days a journal has a folder for, in order."""
    names = [path.name for path in directory.iterdir()] if directory.is_dir() else []
    return sorted(day for name in names if (day := _as_day(name)) is not None)


def read_day(directory: Path, day: dt.date) -> JournalDay:
    """Read one day of a journal, which another process may be writing to.

    Args:
        directory: The journal's directory.
        day: The service day; a day that was never collected is empty.
    """
    entries: list[Entry] = []
    damaged = [path.name for path in (directory / day.isoformat()).glob("*.damaged-at-*")]
    for path in segments(directory / day.isoformat()):
        found = scan(path)
        if found.is_damaged:
            damaged.append(path.name)
        entries += _entries(path, found.payloads, entries[-1] if entries else None)
    entries.sort(key=lambda entry: entry.poll.fetched_at)
    types = read_vehicle_types(directory / day.isoformat())
    if types is None:
        damaged.append(VEHICLE_TYPES_FILE)
        types = VEHICLE_TYPES.arrow().empty_table()
    return JournalDay(tuple(entries), tuple(sorted(damaged)), types)


def segments(folder: Path) -> list[Path]:
    """The segments in the folder of a day, in the order they were begun."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def _entries(path: Path, payloads: Sequence[tuple[int, int]], before: Entry | None) -> list[Entry]:
    """The polls of a segment.

    After a failed sync nobody knows whether the frame is on disk, so it is written again, into
    the next segment. If both are there, the second is left out. Two polls that are equal in every
    field are not taken for one, since each frame holds its number.
    """
    if before is not None and payloads and _is_same(before, path, *payloads[0]):
        payloads = payloads[1:]
    return [
        Entry(decode_poll(_payload(path, offset, length)), path, offset, length)
        for offset, length in payloads
    ]


def _is_same(entry: Entry, path: Path, offset: int, length: int) -> bool:
    return entry.length == length and _payload(*entry.place) == _payload(path, offset, length)


def _payload(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def _as_day(name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(name)
    except ValueError:
        return None
