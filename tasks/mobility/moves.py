"""Moves: two consecutive sightings of one vehicle more than 100 m apart."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.mobility.distance import haversine

MINIMUM_MOVE_M = 100.0
"""A displacement must exceed this, in metres, to be a move."""

_NEEDED = ("vehicle_id", "fetched_at", "latitude_e6", "longitude_e6")

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
        A table of schema MOVES, sorted by vehicle and time.
    """
    found = [MOVES.empty_table()]
    for origins, destinations in _consecutive(sightings, before):
        found.append(_moves_between(origins, destinations, minimum_m))
    return pa.concat_tables(found).combine_chunks()


def last_sightings(sightings: Iterable[pa.Table]) -> pa.Table:
    """The last sighting of each vehicle in a table sorted by `vehicle_id` and `fetched_at`.

    Returns:
        One row per vehicle, sorted by vehicle.
    """
    last: list[pa.Table] = []
    for chunk in _chunks(sightings):
        if last and _first_id(chunk) == _last_id(last[-1]):
            last[-1] = last[-1].slice(0, last[-1].num_rows - 1)
        last.append(chunk.filter(pa.array(_ends_vehicle(chunk))))
    return pa.concat_tables(last) if last else _empty_sightings()


def _empty_sightings() -> pa.Table:
    types = (pa.string(), pa.timestamp("ms", "UTC"), pa.int32(), pa.int32())
    return pa.schema(list(zip(_NEEDED, types, strict=True))).empty_table()


def _chunks(sightings: Iterable[pa.Table]) -> Iterator[pa.Table]:
    for chunk in sightings:
        if chunk.num_rows:
            table = chunk.select(list(_NEEDED)).combine_chunks()
            yield table.set_column(0, "vehicle_id", pc.cast(table["vehicle_id"], pa.string()))


def _consecutive(
    sightings: Iterable[pa.Table], before: pa.Table | None
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Pairs of equally long tables: row i of the second follows row i of the first."""
    previous: pa.Table | None = None
    for chunk in _chunks(sightings):
        starts = _starts_vehicle(chunk)
        if previous is not None and _first_id(chunk) == _last_id(previous):
            # The pair that straddles two chunks.
            yield previous.slice(previous.num_rows - 1), chunk.slice(0, 1)
            starts[0] = False
        follows = np.flatnonzero(~_starts_vehicle(chunk))
        yield chunk.take(follows - 1), chunk.take(follows)
        if before is not None and before.num_rows:
            yield _across_midnight(before, chunk.filter(pa.array(starts)))
        previous = chunk


def _across_midnight(before: pa.Table, first: pa.Table) -> tuple[pa.Table, pa.Table]:
    index = pc.index_in(first["vehicle_id"], before["vehicle_id"])
    known = pc.is_valid(index)
    return before.select(list(_NEEDED)).take(index.filter(known)), first.filter(known)


def _starts_vehicle(chunk: pa.Table) -> NDArray[np.bool_]:
    starts = np.ones(chunk.num_rows, dtype=bool)
    ids = chunk["vehicle_id"]
    starts[1:] = pc.not_equal(ids.slice(1), ids.slice(0, chunk.num_rows - 1)).to_numpy()
    return starts


def _ends_vehicle(chunk: pa.Table) -> NDArray[np.bool_]:
    return np.append(_starts_vehicle(chunk)[1:], True)


def _first_id(chunk: pa.Table) -> str:
    return str(chunk["vehicle_id"][0].as_py())


def _last_id(chunk: pa.Table) -> str:
    return str(chunk["vehicle_id"][chunk.num_rows - 1].as_py())


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
