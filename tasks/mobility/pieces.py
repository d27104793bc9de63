"""Sightings in pieces that fit into memory, no vehicle in two of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.mobility.distance import EARTH_RADIUS_M
from tasks.schema import SIGHTINGS

COLUMNS = (
    "vehicle_id",
    "fetched_at",
    "latitude_e6",
    "longitude_e6",
    "vehicle_type_id",
    "current_range_meters",
)
"""The columns of `tasks.schema.SIGHTINGS` that trips are derived from."""

FAR_M = 50.0
"""Steps that are no longer are left out of `Piece.far`, metres."""

_BLOCK = 1 << 17  # rows compared at once: new arrays larger than that cost more than comparing


@dataclass(frozen=True)
class Piece:
    """All sightings of some vehicles, by vehicle and time.

    What every consumer of the day needs of them is worked out once. A step leads from one row to
    the next and has the number of the first.

    Attributes:
        rows: At least one row of `COLUMNS` in single chunks, `vehicle_id` dictionary-encoded.
    """

    rows: pa.Table

    def __len__(self) -> int:
        """Number of sightings."""
        return int(self.rows.num_rows)

    @cached_property
    def times(self) -> NDArray[np.int64]:
        """`fetched_at` in milliseconds since 1970, shape [n]."""
        times = self.rows["fetched_at"].cast(SIGHTINGS.column("fetched_at").type).chunk(0)
        values: NDArray[np.int64] = times.view(pa.int64()).to_numpy()
        return values

    @cached_property
    def begins(self) -> NDArray[np.int64]:
        """First row of each vehicle, shape [v]."""
        codes = _codes(self.rows)
        return np.append(0, np.flatnonzero(codes[1:] != codes[:-1]) + 1)

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Last row of each vehicle, shape [v]."""
        return np.append(self.begins[1:], len(self)) - 1

    @cached_property
    def far(self) -> NDArray[np.int64]:
        """The steps of one vehicle that could be longer than `FAR_M`, in order.

        A test on integers, without a sine: a step of at most d / sqrt(2) both north and east is
        no longer than d, wherever it is.
        """
        limit = np.int32(FAR_M / np.sqrt(2) / (np.radians(1e-6) * EARTH_RADIUS_M))
        latitude, longitude = self._microdegrees
        steps = [np.empty(0, dtype=np.int64)]
        for begin in range(0, len(self) - 1, _BLOCK):
            block = slice(begin, begin + _BLOCK + 1)
            may = _exceeds(latitude[block], limit) | _exceeds(longitude[block], limit)
            steps.append(np.flatnonzero(may) + begin)
        far = np.concatenate(steps)
        return far[~np.isin(far, self.ends, assume_unique=True)]

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """Microdegrees of latitude and longitude of some rows, shape [2, len(rows)]."""
        latitude, longitude = self._microdegrees
        return np.stack([latitude[rows], longitude[rows]])

    def take(self, rows: NDArray[np.int64]) -> pa.Table:
        """Some rows, with the types that `tasks.schema.SIGHTINGS` declares."""
        (batch,) = self.rows.to_batches()
        return pa.Table.from_batches([batch.take(pa.array(rows))]).cast(SCHEMA)

    @cached_property
    def _microdegrees(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        return (
            self.rows["latitude_e6"].chunk(0).to_numpy(),
            self.rows["longitude_e6"].chunk(0).to_numpy(),
        )


SCHEMA = pa.schema([(name, SIGHTINGS.column(name).type) for name in COLUMNS])
"""What `Piece.take` returns."""


def whole_vehicles(chunks: Iterable[pa.Table]) -> Iterator[Piece]:
    """Cut a table that comes in chunks anew, so that all rows of a vehicle stay together.

    Only two chunks are held in memory at a time.

    Args:
        chunks: Chunks, such as row groups, of one table sorted by `vehicle_id` and `fetched_at`,
            `COLUMNS` among its columns; ids are plain or dictionary-encoded.
    """
    held: pa.Table | None = None  # it is not yet known whether its last vehicle goes on
    for chunk in chunks:
        if not chunk.num_rows:
            continue
        table = _encoded(chunk.select(COLUMNS))
        if held is not None:
            if _id(held, -1) != _id(table, 0):
                yield Piece(held)
            else:
                last = held.num_rows - _length_of_first(_codes(held)[::-1])
                if last:
                    yield Piece(held.slice(0, last))
                first = _length_of_first(_codes(table))
                held = _encoded(pa.concat_tables([held.slice(last), table.slice(0, first)]))
                if first == table.num_rows:
                    continue
                yield Piece(held)
                table = table.slice(first)
        held = table
    if held is not None:
        yield Piece(held)


def _codes(table: pa.Table) -> NDArray[np.int32]:
    """Integers that differ where the vehicle ids differ, shape [n]."""
    codes: NDArray[np.int32] = table["vehicle_id"].chunk(0).indices.to_numpy()
    return codes


def _encoded(table: pa.Table) -> pa.Table:
    table = table.combine_chunks()
    index = table.column_names.index("vehicle_id")
    ids = table["vehicle_id"].combine_chunks().dictionary_encode()
    return table.set_column(index, "vehicle_id", pa.chunked_array([ids]))


def _exceeds(values: NDArray[np.int32], limit: np.int32) -> NDArray[np.bool_]:
    step = values[1:] - values[:-1]
    return np.abs(step, out=step) > limit


def _length_of_first(code: NDArray[np.int32]) -> int:
    """How many rows at the beginning share the first row's vehicle."""
    other = code != code[0]
    first = int(np.argmax(other))
    return first if other[first] else len(code)


def _id(table: pa.Table, row: int) -> str:
    return str(table["vehicle_id"][row % table.num_rows].as_py())
