"""A day with more vehicle ids than fit into memory: sorted, one range of ids after the other."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.journal.day import Entry
from tasks.journal.errors import JournalError
from tasks.journal.id_ranges import IdRange, id_ranges
from tasks.journal.record import milliseconds
from tasks.schema import SIGHTINGS

MAX_BYTES = 160_000_000
"""Most bytes of sightings that are held at once, beside a copy of their ids and their order."""

_ROW_BYTES = 44  # of a sighting beside its id


def sorted_by_id(entries: Sequence[Entry], row_group_rows: int) -> Iterator[pa.Table]:
    """A day's sightings, columns of `tasks.schema.SIGHTINGS`, sorted, a row group at a time.

    Args:
        entries: The polls, in order of time.
        row_group_rows: A table ends with the vehicle that reaches so many rows.

    Raises:
        JournalError: If a poll holds two sightings of one vehicle.
    """
    rows = sum(entry.poll.vehicles for entry in entries)
    ids = next(batch for entry in entries if (batch := entry.sightings()).num_rows)["vehicle_id"]
    size = rows * (ids.nbytes / len(ids) + _ROW_BYTES)
    for within in id_ranges(entries, -int(-size // MAX_BYTES)):
        yield from _sorted_part(entries, within, row_group_rows)


def seen_twice(entries: Sequence[Entry]) -> JournalError:
    """What is wrong with a journal one of whose polls holds two sightings of one vehicle."""
    return JournalError(
        f"{entries[0].path.parent}: a poll holds one vehicle twice; "
        "the journal was not written by this program, move it away"
    )


def _sorted_part(
    entries: Sequence[Entry], within: IdRange, row_group_rows: int
) -> Iterator[pa.Table]:
    columns, polls = _read(entries, within)
    ids = columns["vehicle_id"]
    if not len(ids):
        return
    # a stable sort: the sightings of a vehicle stay in order of time
    order = pc.sort_indices(ids).to_numpy()
    begin = 0
    while begin < len(order):
        end = _end_of_vehicle(ids, order, begin + row_group_rows)
        rows = order[begin:end]
        table = pa.Table.from_arrays(
            [columns[name].take(pa.array(rows)) for name in SIGHTINGS.names],
            schema=SIGHTINGS.arrow(),
        )
        if _is_seen_twice(table["vehicle_id"].chunk(0), polls[rows]):
            raise seen_twice(entries)
        yield table
        begin = end


def _read(
    entries: Sequence[Entry], within: IdRange
) -> tuple[dict[str, pa.Array], NDArray[np.int32]]:
    """The columns of the sightings of some vehicles, and the number of the poll of each."""
    pieces: dict[str, list[pa.Array]] = {name: [] for name in SIGHTINGS.names}
    counts = []
    for entry in entries:
        sightings = within.of(entry.sightings())
        counts.append(sightings.num_rows)
        at = pa.scalar(milliseconds(entry.poll.fetched_at), SIGHTINGS.column("fetched_at").type)
        for name, column in zip(sightings.schema.names, sightings.columns, strict=True):
            pieces[name].append(column)
        pieces["fetched_at"].append(pa.repeat(at, sightings.num_rows))
    # one column at a time, so that no more than one of them is held twice
    columns = {name: pa.concat_arrays(pieces.pop(name)) for name in SIGHTINGS.names}
    return columns, np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def _end_of_vehicle(ids: pa.Array, order: NDArray[np.uint64], end: int) -> int:
    """The first place from `end` on, within the order, at which another vehicle begins."""
    last = ids[int(order[min(end, len(order)) - 1])]
    while end < len(order) and ids[int(order[end])] == last:
        end += 1
    return min(end, len(order))


def _is_seen_twice(ids: pa.StringArray, polls: NDArray[np.int32]) -> bool:
    """Whether two neighbouring sightings are of one vehicle and one poll."""
    same_id = pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    return bool((same_id & (polls[1:] == polls[:-1])).any())
