"""What the journal keeps of one poll: the poll's row and the sightings it brought."""

import datetime as dt
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from tasks.schema import SIGHTINGS_OF_A_POLL
from tasks.schema.polls import SEEN

_LENGTHS = struct.Struct("<III")  # poll, sightings, sightings decompressed; bytes
_CODEC = "zstd"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)
_TIMES = ("due_at", "fetched_at", "last_updated")


@dataclass(frozen=True)
class Poll:
    """One attempt to fetch a feed: a row of `tasks.schema.POLLS`, whose words it uses.

    Times are aware datetimes; below a millisecond they are cut off.
    """

    feed: str
    due_at: dt.datetime
    fetched_at: dt.datetime
    outcome: str
    status: int | None = None
    latency_ms: int = 0
    bytes: int = 0
    last_updated: dt.datetime | None = None
    vehicles: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    clock_step_ms: int | None = None
    version: str | None = None
    ttl: int | None = None

    @property
    def is_answered(self) -> bool:
        """Whether it is known after this poll where every vehicle of the feed stood."""
        return self.outcome in SEEN

    def row(self) -> dict[str, Any]:
        """The poll as Arrow makes a row of it; times as milliseconds since 1970."""
        values = vars(self) | {name: milliseconds(getattr(self, name)) for name in _TIMES}
        return values | {"quarantined": sorted(self.quarantined.items())}


def encode(poll: Poll, sightings: pa.RecordBatch | None = None, number: int = 0) -> bytes:
    """The payload of a journal frame.

    Args:
        poll: The poll.
        sightings: What it brought, columns of `tasks.schema.SIGHTINGS_OF_A_POLL`; its number
            of rows is the poll's `vehicles`.
        number: How many polls of the day came before, which tells two apart that are equal in
            all else.
    """
    message = b"" if sightings is None else sightings.serialize()
    packed = pa.Codec(_CODEC).compress(message, asbytes=True) if message else b""
    row = json.dumps({**poll.row(), "number": number}, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(row), len(packed), len(message)) + row + packed


def decode_poll(payload: bytes) -> Poll:
    """The poll in a payload."""
    length, _, _ = _LENGTHS.unpack_from(payload)
    row = json.loads(payload[_LENGTHS.size : _LENGTHS.size + length])
    row.pop("number", None)  # it tells frames apart, not polls
    times = {name: row[name] and _EPOCH + row[name] * _MILLISECOND for name in _TIMES}
    return Poll(**(row | times | {"quarantined": dict(row["quarantined"])}))


def decode_sightings(payload: bytes) -> pa.RecordBatch:
    """The sightings in a payload, columns of `tasks.schema.SIGHTINGS_OF_A_POLL`."""
    row, packed, length = _LENGTHS.unpack_from(payload)
    if not length:
        return pa.RecordBatch.from_pylist([], schema=SIGHTINGS_OF_A_POLL)
    begin = _LENGTHS.size + row
    message = pa.Codec(_CODEC).decompress(payload[begin : begin + packed], length)
    return pa.ipc.read_record_batch(message, SIGHTINGS_OF_A_POLL)


def milliseconds(moment: dt.datetime | None) -> int | None:
    """Milliseconds since 1970."""
    return None if moment is None else (moment - _EPOCH) // _MILLISECOND
