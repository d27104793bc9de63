"""A feed's journal: the durable record of its polls, with one writer at a time."""

import datetime as dt
import fcntl
import json
import os
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import pyarrow as pa

from tasks.files import fsync_directory, write_atomically
from tasks.journal.day import read_day, segments
from tasks.journal.errors import JournalError, JournalHeldError
from tasks.journal.record import Poll, encode
from tasks.journal.segment import SUFFIX, SegmentWriter, repair
from tasks.region.service_day import service_day_of
from tasks.schema import POLLS, SIGHTINGS

IDENTITY = "journal.json"
_LOCK = "lock"


class Journal:
    """Appends polls to a journal directory. Use it as a context manager: it holds a lock.

    A process never appends to a segment that another began: it cuts the torn tail of what is
    there and begins a segment of its own.
    """

    def __init__(self, directory: Path, region: str, feed: str, zone: ZoneInfo) -> None:
        """Take the journal over, or begin it.

        Args:
            directory: The journal's directory; made if need be.
            region: Id of the region whose journal it is.
            feed: Id of the feed.
            zone: The region's time zone; its midnight parts the folders.

        Raises:
            JournalHeldError: If another process writes to it.
            JournalError: If it belongs to another region, feed, time zone or schema, or if it
                cannot be written.
        """
        self._directory = directory
        self._zone = zone
        self._segment: SegmentWriter | None = None
        self._last_poll: dict[dt.date, Poll | None] = {}
        self._last_answered: dict[dt.date, Poll | None] = {}
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = _take_lock(directory)
            try:
                _claim(directory, _identity(region, feed, zone))
            except BaseException:
                self._lock.close()
                raise
        except OSError as error:
            raise _cannot_write(directory, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, poll: Poll, sightings: pa.RecordBatch | None = None) -> None:
        """Store one poll: it is acknowledged, on disk, on return.

        It goes to the service day in which it was fetched.

        Args:
            poll: The poll; `vehicles` is the number of sightings.
            sightings: What it brought, columns of `tasks.schema.SIGHTINGS_OF_A_POLL`.

        Raises:
            JournalError: If it could not be stored. The next poll begins a new segment.
        """
        day = service_day_of(poll.fetched_at, self._zone)
        payload = encode(poll, sightings)
        self._recall(day)
        try:
            self._segment_of(day).append(payload)
        except OSError as error:
            self._segment = None
            raise _cannot_write(self._directory / day.isoformat(), error) from error
        self._remember(day, poll)

    def last_poll(self, day: dt.date) -> Poll | None:
        """The last poll that was acknowledged on a service day."""
        self._recall(day)
        return self._last_poll[day]

    def last_answered(self, day: dt.date) -> dt.datetime | None:
        """When the last answered poll of a service day was fetched."""
        self._recall(day)
        poll = self._last_answered[day]
        return None if poll is None else poll.fetched_at

    def close(self) -> None:
        """Let another process write."""
        if self._segment is not None:
            self._segment.close()
        self._lock.close()

    def _segment_of(self, day: dt.date) -> SegmentWriter:
        folder = self._directory / day.isoformat()
        if self._segment is not None:
            if self._segment.path.parent == folder:
                return self._segment
            self._segment.close()
            self._segment = None
        if not folder.is_dir():
            folder.mkdir()
            fsync_directory(self._directory)
        taken = [int(path.stem) for path in segments(folder)]
        self._segment = SegmentWriter(folder / f"{max(taken, default=0) + 1:06d}{SUFFIX}")
        return self._segment

    def _recall(self, day: dt.date) -> None:
        """Mend and read what the journal holds of a day, once."""
        if day in self._last_poll:
            return
        try:
            for path in segments(self._directory / day.isoformat()):
                repair(path)
        except OSError as error:
            raise _cannot_write(self._directory / day.isoformat(), error) from error
        self._last_poll[day] = self._last_answered[day] = None
        for poll in read_day(self._directory, day).polls:
            self._remember(day, poll)

    def _remember(self, day: dt.date, poll: Poll) -> None:
        self._last_poll[day] = poll
        if poll.is_answered:
            self._last_answered[day] = poll


def check_identity(directory: Path, region: str, feed: str, zone: ZoneInfo) -> bool:
    """Whether there is a journal in a directory; it must then be the one that is expected.

    Raises:
        JournalError: If it belongs to another region, feed, time zone or schema.
    """
    path = directory / IDENTITY
    if not path.exists():
        return False
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        found = None
    expected = _identity(region, feed, zone)
    if not isinstance(found, dict):
        raise JournalError(f"{path}: not a JSON object; restore it from a backup")
    for key, value in expected.items():
        if found.get(key) != value:
            raise JournalError(
                f"{directory}: this journal has {key} {found.get(key)!r}, not {value!r}; "
                "move it away or name another data root in OPENTRIPS_DATA"
            )
    return True


def _identity(region: str, feed: str, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "region": region,
        "feed": feed,
        "time_zone": zone.key,
        "schema_version": {"sightings": SIGHTINGS.version, "polls": POLLS.version},
    }


def _claim(directory: Path, identity: dict[str, Any]) -> None:
    zone = ZoneInfo(identity["time_zone"])
    if not check_identity(directory, identity["region"], identity["feed"], zone):
        write_atomically(directory / IDENTITY, (json.dumps(identity, indent=2) + "\n").encode())
        fsync_directory(directory.parent)


def _take_lock(directory: Path) -> Any:
    """The lock file, locked until it is closed: also when the process dies."""
    lock = (directory / _LOCK).open("a+", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise JournalHeldError(
            f"{directory}: process {holder or '(unknown)'} is collecting into this journal; "
            "stop it or wait until it ends"
        ) from None
    except BaseException:
        lock.close()
        raise
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _cannot_write(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"{path}: cannot write the journal: {error.strerror}; "
        "what was acknowledged is safe, free the disk and run again"
    )
