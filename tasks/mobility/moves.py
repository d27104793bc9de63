"""Moves: two consecutive sightings of one vehicle more than 100 m apart."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.mobility.distance import EARTH_RADIUS_M, haversine

MINIMUM_MOVE_M = 100.0
"""A displacement must exceed this, in metres, to be a move."""

MOVES = pa.schema(
    [
        ("vehicle_id", pa.string()),
        ("start_time", pa.timestamp("ms", "UTC")),
        ("end_time", pa.timestamp("ms", "UTC")),
        ("origin_latitude", pa.float64()),
        ("origin_longitude", pa.float64()),
        ("destination_latitude", pa.float64()),
        ("destination_longitude", pa.float64()),
        ("distance_m", pa.float64()),
    ]
)
"""What `find_moves` returns: times in UTC, degrees, metres."""


def find_moves(
    sightings: Iterable[pa.Table],
    before: pa.Table | None = None,
    minimum_m: float = MINIMUM_MOVE_M,
) -> pa.Table:
    """All moves in a day of sightings of one feed.

    Args:
        sightings: Chunks, such as row groups, of one table sorted by `vehicle_id` and
            `fetched_at`; only one chunk is held in memory at a time.
        before: The last sighting of each vehicle before the day (see `last_sightings`), so that
            a move across midnight is found, once, in the day in which it ends.
        minimum_m: Metres; a move is longer.

    Returns:
        A table of schema MOVES, in no particular order.
    """
    found = [MOVES.empty_table()]
    for origins, destinations in _consecutive(sightings, before, minimum_m):
        found.append(_moves_between(origins, destinations, minimum_m))
    return pa.concat_tables(found).combine_chunks()


def last_sightings(sightings: Iterable[pa.Table]) -> pa.Table:
    """The last sighting of each vehicle in a table sorted by `vehicle_id` and `fetched_at`.

    Returns:
        One row per vehicle, sorted by vehicle.
    """
    last = [_NEEDED.empty_table()]
    for chunk in _chunks(sightings):
        if last[-1].num_rows and _id(chunk, 0) == _id(last[-1], -1):
            last[-1] = last[-1].slice(0, last[-1].num_rows - 1)
        ends = np.append(_starts_vehicle(chunk)[1:], True)
        last.append(_plain(chunk.filter(pa.array(ends))))
    return pa.concat_tables(last)


_NEEDED = pa.schema(
    [
        ("vehicle_id", pa.string()),
        ("fetched_at", pa.timestamp("ms", "UTC")),
        ("latitude_e6", pa.int32()),
        ("longitude_e6", pa.int32()),
    ]
)


def _chunks(sightings: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The needed columns, vehicle ids dictionary-encoded, so that they compare as integers."""
    for chunk in sightings:
        if chunk.num_rows:
            table = chunk.select(_NEEDED.names).combine_chunks()
            ids = table["vehicle_id"].combine_chunks()
            yield table.set_column(0, "vehicle_id", ids.dictionary_encode())


def _consecutive(
    sightings: Iterable[pa.Table], before: pa.Table | None, minimum_m: float
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Equally long tables, row i of the second following row i of the first, near pairs left out.

    Each chunk gives three pairs of tables: the one that straddles it and the chunk before, those
    inside it, and the first sightings of its vehicles after `before`.
    """
    previous: pa.Table | None = None
    for chunk in _chunks(sightings):
        starts = _starts_vehicle(chunk)
        far = np.flatnonzero(~starts[1:] & _may_be_far(chunk, minimum_m)) + 1
        if previous is not None and _id(chunk, 0) == _id(previous, -1):
            yield _plain(previous.slice(previous.num_rows - 1)), _plain(chunk.slice(0, 1))
            starts[0] = False
        yield _plain(chunk.take(far - 1)), _plain(chunk.take(far))
        if before is not None:
            yield _after(before, _plain(chunk.filter(pa.array(starts))))
        previous = chunk


def _may_be_far(chunk: pa.Table, minimum_m: float) -> NDArray[np.bool_]:
    """Which steps from row to row could exceed a distance: a test on integers, without a sine.

    A step of at most d / sqrt(2) both north and east is no longer than d, wherever it is.
    """
    metres_per_microdegree = np.radians(1e-6) * EARTH_RADIUS_M
    limit = int(minimum_m / np.sqrt(2) / metres_per_microdegree)
    far = np.zeros(chunk.num_rows - 1, dtype=bool)
    for name in ("latitude_e6", "longitude_e6"):
        step = np.diff(chunk[name].to_numpy())
        far |= (step > limit) | (step < -limit)
    return far


def _after(before: pa.Table, first: pa.Table) -> tuple[pa.Table, pa.Table]:
    index = pc.index_in(first["vehicle_id"], before["vehicle_id"])
    known = pc.is_valid(index)
    return before.take(index.filter(known)), first.filter(known)


def _starts_vehicle(chunk: pa.Table) -> NDArray[np.bool_]:
    code = chunk["vehicle_id"].combine_chunks().indices.to_numpy()
    return np.append(True, code[1:] != code[:-1])


def _plain(chunk: pa.Table) -> pa.Table:
    return chunk.cast(_NEEDED)


def _id(chunk: pa.Table, row: int) -> str:
    return str(chunk["vehicle_id"][row % chunk.num_rows].as_py())


def _moves_between(origins: pa.Table, destinations: pa.Table, minimum_m: float) -> pa.Table:
    origin, destination = _degrees(origins), _degrees(destinations)
    distance = haversine(*origin, *destination)
    far = np.flatnonzero(distance > minimum_m)
    return pa.table(
        [
            destinations["vehicle_id"].take(far),
            origins["fetched_at"].take(far),
            destinations["fetched_at"].take(far),
            *(values[far] for values in (*origin, *destination)),
            distance[far],
        ],
        schema=MOVES,
    )


def _degrees(sightings: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return (
        sightings["latitude_e6"].to_numpy() / 1e6,
        sightings["longitude_e6"].to_numpy() / 1e6,
    )
