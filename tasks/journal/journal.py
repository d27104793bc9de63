"""A feed's journal: the durable record of its polls, with one writer at a time."""

import datetime as dt
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import pyarrow as pa

from tasks.files import make_directories, write_atomically
from tasks.files.lock import Lock
from tasks.journal.clock import ClockSteps
from tasks.journal.day import read_day, segments
from tasks.journal.errors import JournalError, JournalHeldError
from tasks.journal.patience import IMPATIENT, Patience
from tasks.journal.record import Poll, encode
from tasks.journal.segment import SUFFIX, SegmentWriter, repair
from tasks.journal.vehicle_types import add_vehicle_types
from tasks.region.service_day import service_day_of
from tasks.schema import POLLS, SIGHTINGS

IDENTITY = "journal.json"


class Journal:
    """Appends polls to a journal directory. Use it as a context manager: it holds a lock.

    A process never appends to a segment that another began: it cuts the torn tail of what is
    there and begins a segment of its own.
    """

    def __init__(
        self,
        directory: Path,
        region: str,
        feed: str,
        zone: ZoneInfo,
        patience: Patience = IMPATIENT,
    ) -> None:
        """Take the journal over, or begin it.

        Args:
            directory: The journal's directory; made if need be.
            region: Id of the region whose journal it is.
            feed: Id of the feed.
            zone: The region's time zone; its midnight parts the folders.
            patience: How long to wait for a disk that refuses or another process that writes.

        Raises:
            JournalHeldError: If another process writes to it.
            JournalError: If it belongs to another region, feed, time zone or schema, or if it
                cannot be written.
        """
        self._directory = directory
        self._zone = zone
        self._patience = patience
        self._clock_steps = ClockSteps()
        self._segment: SegmentWriter | None = None
        self._kept: Counter[dt.date] = Counter()
        self._last_poll: dict[dt.date, Poll | None] = {}
        self._last_answered: dict[dt.date, Poll | None] = {}
        try:
            make_directories(directory)
            self._patience.outlast(
                self._take_lock, JournalHeldError, patience.holder_seconds, "waiting: {}".format
            )
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

        It goes to the service day in which it was fetched. If this machine's clock was set since
        the poll before, that is noted with it.

        Args:
            poll: The poll; `vehicles` is the number of sightings.
            sightings: What it brought, columns of `tasks.schema.SIGHTINGS_OF_A_POLL`.

        Raises:
            JournalError: If it could not be stored and patience is over. The next poll begins a
                new segment.
        """
        day = service_day_of(poll.fetched_at, self._zone)
        folder = self._directory / day.isoformat()
        step = self._clock_steps.since_last()
        if step is not None:
            poll = replace(poll, clock_step_ms=step)
        self._recall(day)
        payload = encode(poll, sightings, self._kept[day])
        try:
            self._patience.outlast(
                lambda: self._store(folder, payload),
                OSError,
                self._patience.disk_seconds,
                lambda error: _paused(folder, error),
            )
        except OSError as error:
            raise _cannot_write(folder, error) from error
        self._remember(day, poll)

    def keep_vehicle_types(self, types: pa.Table, moment: dt.datetime) -> None:
        """Add vehicle types to those of the service day that holds a moment.

        Args:
            types: Columns of `tasks.schema.VEHICLE_TYPES`.
            moment: When they were fetched.

        Raises:
            JournalError: If they could not be stored.
        """
        folder = self._directory / service_day_of(moment, self._zone).isoformat()
        try:
            add_vehicle_types(folder, types)
        except OSError as error:
            raise _cannot_write(folder, error) from error

    def last_poll(self, day: dt.date) -> Poll | None:
        """The last poll that was acknowledged on a service day."""
        self._recall(day)
        return self._last_poll[day]

    def last_answered(self, day: dt.date) -> dt.datetime | None:
        """When the last answered poll of a service day was fetched."""
        poll = self.last_answered_poll(day)
        return None if poll is None else poll.fetched_at

    def last_answered_poll(self, day: dt.date) -> Poll | None:
        """The last answered poll of a service day."""
        self._recall(day)
        return self._last_answered[day]

    def close(self) -> None:
        """Let another process write."""
        if self._segment is not None:
            self._segment.close()
        self._lock.close()

    def _take_lock(self) -> None:
        self._lock = Lock(self._directory, "collecting into this journal", JournalHeldError)

    def _store(self, folder: Path, payload: bytes) -> None:
        """Append to the segment; one that failed is never used again."""
        segment = self._segment_in(folder)
        self._segment = None
        segment.append(payload)
        self._segment = segment

    def _segment_in(self, folder: Path) -> SegmentWriter:
        if self._segment is not None:
            if self._segment.path.parent == folder:
                return self._segment
            self._segment.close()
            self._segment = None
        make_directories(folder)
        taken = [int(path.stem) for path in segments(folder)]
        return SegmentWriter(folder / f"{max(taken, default=0) + 1:06d}{SUFFIX}")

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
        self._kept[day] += 1
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


def _cannot_write(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"{path}: cannot write the journal: {error.strerror}; "
        "what was acknowledged is safe, free the disk and run again"
    )


def _paused(path: Path, error: Exception) -> str:
    why = error.strerror if isinstance(error, OSError) else error
    return (
        f"{path}: cannot write the journal: {why}; collecting pauses, what was acknowledged is "
        "safe, and it goes on by itself when the disk takes writes again"
    )
