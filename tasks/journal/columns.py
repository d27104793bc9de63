"""A day of sightings in memory, one array per column, sorted by vehicle and time.

The number of sightings of each vehicle is counted first. Then every sighting is put straight into
its place, poll by poll, so that nothing is sorted and nothing is held twice: 26 bytes a sighting.

A day with too many sightings for that is gone through in parts, one range of ids after the other;
one with too many ids, such as that of a feed which renames its vehicles all the time, is sorted:
see `tasks.journal.renamed`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.journal.day import Entry
from tasks.journal.id_ranges import ALL_IDS, IdRange, id_ranges
from tasks.journal.record import milliseconds
from tasks.journal.renamed import seen_twice, sorted_by_id
from tasks.schema import SIGHTINGS

ROW_GROUP_ROWS = 1 << 18
"""A table ends with the vehicle that reaches this many rows."""

MAX_IDS = 1 << 18
"""Most vehicle ids that are held at once; each costs some 200 bytes."""

MAX_ROWS = 10_000_000
"""Most sightings that are held at once; each costs 26 bytes."""

_CHUNK_POLLS = 64  # polls whose ids are looked up together
_UNKNOWN = -1


class _Codes:
    """Numbers for texts, in the order in which they were first met."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._codes: dict[str, int] = {}

    def encode(self, texts: pa.Array | pa.ChunkedArray) -> NDArray[np.int32]:
        """Codes of texts, `_UNKNOWN` for null, shape [n]."""
        encoded = (
            texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        ).dictionary_encode()
        codes = np.array(
            [self._code(text) for text in encoded.dictionary.to_pylist()] + [_UNKNOWN], np.int32
        )
        # the code of null stands last, where the index -1 finds it
        indices = encoded.indices.fill_null(_UNKNOWN).to_numpy(zero_copy_only=False)
        result: NDArray[np.int32] = codes[indices]
        return result

    def _code(self, text: str) -> int:
        code = self._codes.setdefault(text, len(self.texts))
        if code == len(self.texts):
            self.texts.append(text)
        return code


def sorted_tables(entries: Sequence[Entry]) -> Iterator[pa.Table]:
    """A day's sightings, columns of `tasks.schema.SIGHTINGS`, sorted, a row group at a time.

    No vehicle is in two tables. A day without sightings is one empty table. The same sightings
    always give the same tables.

    Raises:
        JournalError: If a poll holds two sightings of one vehicle.
    """
    rows = sum(entry.poll.vehicles for entry in entries)
    if rows > MAX_IDS and _number_of_ids_exceeds(entries, MAX_IDS):
        yield from sorted_by_id(entries, ROW_GROUP_ROWS)
        return
    for ids in id_ranges(entries, -(-rows // MAX_ROWS)):
        part = SightingColumns.of(entries, ids)
        if part.rows or not rows:
            yield from part.tables()


def _number_of_ids_exceeds(entries: Sequence[Entry], limit: int) -> bool:
    codes = _Codes()
    for chunk in _chunks(entries):
        codes.encode(_ids(chunk, ALL_IDS))
        if len(codes.texts) > limit:
            return True
    return False


@dataclass(frozen=True)
class SightingColumns:
    """A feed's sightings of one day, sorted by `vehicle_id` and `fetched_at`.

    Attributes:
        ids: Vehicle ids, sorted, shape [v].
        ends: Row after the last one of each vehicle, shape [v].
        fetched_at: Milliseconds since 1970 of each poll, shape [p].
        types: Vehicle types, in no order.
        poll: Index into `fetched_at`, shape [n], like all that follow.
        latitude: Microdegrees.
        longitude: Microdegrees.
        reserved: 1, 0 or -1 for unknown.
        disabled: 1, 0 or -1 for unknown.
        type: Index into `types` or -1.
        range: Metres or -1.
    """

    ids: list[str]
    ends: NDArray[np.int64]
    fetched_at: NDArray[np.int64]
    types: list[str]
    poll: NDArray[np.int32]
    latitude: NDArray[np.int32]
    longitude: NDArray[np.int32]
    reserved: NDArray[np.int8]
    disabled: NDArray[np.int8]
    type: NDArray[np.int32]
    range: NDArray[np.int32]

    @classmethod
    def of(cls, entries: Sequence[Entry], within: IdRange = ALL_IDS) -> "SightingColumns":
        """Read the sightings of polls that are in order of time.

        Args:
            entries: The polls.
            within: Vehicles that are read.

        Raises:
            JournalError: If a poll holds two sightings of one vehicle.
        """
        ids, vehicles = _vehicles(entries, within)
        counts = np.zeros(len(ids), dtype=np.int64)
        for seen in vehicles:
            counts[seen] += 1
        ends = np.cumsum(counts)
        rows = int(ends[-1]) if len(ends) else 0
        if rows < sum(map(len, vehicles)):  # an index that stands twice was counted once
            raise seen_twice(entries)
        types = _Codes()
        columns = cls(
            ids=ids,
            ends=ends,
            fetched_at=np.array(
                [milliseconds(entry.poll.fetched_at) for entry in entries], dtype=np.int64
            ),
            types=types.texts,
            poll=np.empty(rows, np.int32),
            latitude=np.empty(rows, np.int32),
            longitude=np.empty(rows, np.int32),
            reserved=np.empty(rows, np.int8),
            disabled=np.empty(rows, np.int8),
            type=np.empty(rows, np.int32),
            range=np.empty(rows, np.int32),
        )
        place = ends - counts  # where the next sighting of each vehicle goes
        for poll, (entry, seen) in enumerate(zip(entries, vehicles, strict=True)):
            if len(seen):
                columns._put(place[seen], poll, within.of(entry.sightings()), types)
                place[seen] += 1
        return columns

    @property
    def rows(self) -> int:
        """Number of sightings."""
        return len(self.poll)

    @property
    def vehicles(self) -> int:
        """Number of distinct vehicle ids."""
        return len(self.ids)

    def tables(self) -> Iterator[pa.Table]:
        """The sightings, columns of `tasks.schema.SIGHTINGS`, a row group at a time.

        No vehicle is in two tables. A day without sightings is one empty table.
        """
        first = begin = 0
        for vehicle, end in enumerate(self.ends.tolist()):
            if end - begin >= ROW_GROUP_ROWS:
                yield self._table(first, vehicle + 1, begin, end)
                first, begin = vehicle + 1, end
        if begin < self.rows or not self.rows:
            yield self._table(first, self.vehicles, begin, self.rows)

    def _put(
        self, rows: NDArray[np.int64], poll: int, sightings: pa.RecordBatch, types: _Codes
    ) -> None:
        self.poll[rows] = poll
        self.latitude[rows] = sightings.column("latitude_e6").to_numpy()
        self.longitude[rows] = sightings.column("longitude_e6").to_numpy()
        self.reserved[rows] = _known(sightings.column("is_reserved").cast(pa.int8()))
        self.disabled[rows] = _known(sightings.column("is_disabled").cast(pa.int8()))
        self.type[rows] = types.encode(sightings.column("vehicle_type_id"))
        self.range[rows] = _known(sightings.column("current_range_meters"))

    def _table(self, first: int, after: int, begin: int, end: int) -> pa.Table:
        """Vehicles `first` to `after`, rows `begin` to `end`; the ends are not included."""
        rows = slice(begin, end)
        counts = np.diff(self.ends[first:after], prepend=begin)
        columns = {
            "vehicle_id": _texts(
                np.repeat(np.arange(after - first, dtype=np.int32), counts), self.ids[first:after]
            ),
            "fetched_at": pa.array(
                self.fetched_at[self.poll[rows]], SIGHTINGS.column("fetched_at").type
            ),
            "latitude_e6": pa.array(self.latitude[rows]),
            "longitude_e6": pa.array(self.longitude[rows]),
            "is_reserved": pa.array(self.reserved[rows] == 1, mask=self.reserved[rows] < 0),
            "is_disabled": pa.array(self.disabled[rows] == 1, mask=self.disabled[rows] < 0),
            "vehicle_type_id": _texts(self.type[rows], self.types),
            "current_range_meters": pa.array(self.range[rows], mask=self.range[rows] < 0),
        }
        schema = SIGHTINGS.arrow()
        return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _vehicles(
    entries: Sequence[Entry], within: IdRange
) -> tuple[list[str], list[NDArray[np.int32]]]:
    """The sorted ids of a day and, for each poll, the vehicles it saw as indices of them."""
    codes = _Codes()
    vehicles: list[NDArray[np.int32]] = []
    for chunk in _chunks(entries):
        ids = _ids(chunk, within)
        encoded = codes.encode(ids)
        vehicles += np.split(encoded, np.cumsum([len(each) for each in ids.chunks])[:-1])
    order = sorted(range(len(codes.texts)), key=codes.texts.__getitem__)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return [codes.texts[index] for index in order], [rank[seen] for seen in vehicles]


def _ids(entries: Iterable[Entry], within: IdRange) -> pa.ChunkedArray:
    """The ids in each poll, one chunk for each."""
    ids = [within.of(entry.sightings()).column("vehicle_id") for entry in entries]
    return pa.chunked_array(ids, pa.string())


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    remaining = iter(entries)
    while chunk := list(islice(remaining, _CHUNK_POLLS)):
        yield chunk


def _known(column: pa.Array) -> NDArray[np.generic]:
    values: NDArray[np.generic] = column.fill_null(_UNKNOWN).to_numpy(zero_copy_only=False)
    return values


def _texts(codes: NDArray[np.int32], texts: list[str]) -> pa.Array:
    indices = pa.array(codes, mask=codes < 0)
    dictionary = pa.array(texts, pa.string())
    return pa.DictionaryArray.from_arrays(indices, dictionary).cast(pa.string())
