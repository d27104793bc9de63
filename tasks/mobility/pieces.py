"""Sightings in pieces that fit into memory, no vehicle in two of them."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.schema import SIGHTINGS


def whole_vehicles(chunks: Iterable[pa.Table], columns: Sequence[str]) -> Iterator[pa.Table]:
    """Cut a table that comes in chunks anew, so that all rows of a vehicle stay together.

    Only two chunks are held in memory at a time.

    Args:
        chunks: Chunks, such as row groups, of one table sorted by `vehicle_id` and `fetched_at`;
            `vehicle_id` is plain or dictionary-encoded.
        columns: The columns of `tasks.schema.SIGHTINGS` to keep, `vehicle_id` among them.

    Returns:
        Tables of at least one row with these columns in single chunks, `vehicle_id`
        dictionary-encoded, so that ids compare as integers.
    """
    held: pa.Table | None = None  # it is not yet known whether its last vehicle goes on
    for chunk in chunks:
        if not chunk.num_rows:
            continue
        table = _encoded(chunk.select(columns))
        if held is not None:
            if _id(held, -1) != _id(table, 0):
                yield held
            else:
                last = held.num_rows - _length_of_first(id_codes(held)[::-1])
                if last:
                    yield held.slice(0, last)
                first = _length_of_first(id_codes(table))
                held = _encoded(pa.concat_tables([held.slice(last), table.slice(0, first)]))
                if first == table.num_rows:
                    continue
                yield held
                table = table.slice(first)
        held = table
    if held is not None:
        yield held


def id_codes(piece: pa.Table) -> NDArray[np.int32]:
    """Integers that differ where the vehicle ids of a piece differ, shape [n]."""
    codes: NDArray[np.int32] = piece["vehicle_id"].chunk(0).indices.to_numpy()
    return codes


def plain(piece: pa.Table) -> pa.Table:
    """The rows of a piece with the types that `tasks.schema.SIGHTINGS` declares."""
    schema = pa.schema([(name, SIGHTINGS.column(name).type) for name in piece.column_names])
    return piece.cast(schema)


def times_of(piece: pa.Table) -> NDArray[np.int64]:
    """`fetched_at` in milliseconds since 1970, shape [n]."""
    times = piece["fetched_at"].cast(SIGHTINGS.column("fetched_at").type).chunk(0)
    values: NDArray[np.int64] = times.view(pa.int64()).to_numpy()
    return values


def _encoded(table: pa.Table) -> pa.Table:
    table = table.combine_chunks()
    index = table.column_names.index("vehicle_id")
    ids = table["vehicle_id"].combine_chunks().dictionary_encode()
    return table.set_column(index, "vehicle_id", pa.chunked_array([ids]))


def _length_of_first(code: NDArray[np.int32]) -> int:
    """How many rows at the beginning share the first row's vehicle."""
    other = code != code[0]
    first = int(np.argmax(other))
    return first if other[first] else len(code)


def _id(table: pa.Table, row: int) -> str:
    return str(table["vehicle_id"][row % table.num_rows].as_py())
