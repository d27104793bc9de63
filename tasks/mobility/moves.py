"""Moves: two consecutive sightings of one vehicle more than 100 m apart."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.mobility.distance import EARTH_RADIUS_M, haversine
from tasks.mobility.pieces import id_codes, plain, whole_vehicles
from tasks.schema import SIGHTINGS

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
        ("range_gain_m", pa.int32()),
    ]
)
"""What `find_moves` returns: times in UTC, degrees, metres. `range_gain_m` is by how much the
range grew from start to end, null where the feed did not give both ranges."""

COLUMNS = ("vehicle_id", "fetched_at", "latitude_e6", "longitude_e6", "current_range_meters")
"""The columns of `tasks.schema.SIGHTINGS` that moves are found in."""

_BLOCK = 1 << 16  # rows compared at once: new arrays larger than that cost more than comparing


def find_moves(
    sightings: Iterable[pa.Table],
    before: pa.Table | None = None,
    minimum_m: float = MINIMUM_MOVE_M,
) -> pa.Table:
    """All moves in a day of sightings of one feed.

    Args:
        sightings: Chunks, such as row groups, of one table sorted by `vehicle_id` and
            `fetched_at`; only two chunks are held in memory at a time.
        before: The last sighting of each vehicle before the day (see `last_sightings`), so that
            a move across midnight is found, once, in the day in which it ends.
        minimum_m: Metres; a move is longer.

    Returns:
        A table of schema MOVES, in no particular order.
    """
    found = [MOVES.empty_table()]
    for piece in whole_vehicles(sightings, COLUMNS):
        code, step = id_codes(piece), far_steps(piece, minimum_m)
        step = step[code[step] == code[step + 1]]
        found.append(
            _moves_between(plain(piece.take(step)), plain(piece.take(step + 1)), minimum_m)
        )
        if before is not None:
            first = plain(piece.take(np.flatnonzero(np.append(True, code[1:] != code[:-1]))))
            index = pc.index_in(first["vehicle_id"], before["vehicle_id"])
            known = pc.is_valid(index)
            origins = before.take(index.filter(known))
            found.append(_moves_between(origins, first.filter(known), minimum_m))
    return pa.concat_tables(found).combine_chunks()


def last_sightings(sightings: Iterable[pa.Table]) -> pa.Table:
    """The last sighting of each vehicle in a table sorted by `vehicle_id` and `fetched_at`.

    Returns:
        One row per vehicle, sorted by vehicle, with the columns `COLUMNS`.
    """
    last = [
        plain(piece.take(np.flatnonzero(np.append(np.diff(id_codes(piece)) != 0, True))))
        for piece in whole_vehicles(sightings, COLUMNS)
    ]
    return pa.concat_tables([plain(SIGHTINGS.arrow().empty_table().select(COLUMNS)), *last])


def far_steps(piece: pa.Table, minimum_m: float) -> NDArray[np.int64]:
    """The rows from which the next row could be further than a distance.

    A test on integers, without a sine: a step of at most d / sqrt(2) both north and east is no
    longer than d, wherever it is.

    Returns:
        Rows in order; what is left out is at most the minimum away, or the last row.
    """
    metres_per_microdegree = np.radians(1e-6) * EARTH_RADIUS_M
    limit = np.int32(minimum_m / np.sqrt(2) / metres_per_microdegree)
    latitude, longitude = (piece[name].chunk(0).to_numpy() for name in COLUMNS[2:4])
    rows = [np.empty(0, dtype=np.int64)]
    for begin in range(0, piece.num_rows - 1, _BLOCK):
        block = slice(begin, begin + _BLOCK + 1)
        may = _exceeds(latitude[block], limit) | _exceeds(longitude[block], limit)
        rows.append(np.flatnonzero(may) + begin)
    return np.concatenate(rows)


def degrees(sightings: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes and longitudes of sightings, shape [n] each."""
    return (
        sightings["latitude_e6"].to_numpy() / 1e6,
        sightings["longitude_e6"].to_numpy() / 1e6,
    )


def _exceeds(values: NDArray[np.int32], limit: np.int32) -> NDArray[np.bool_]:
    step = values[1:] - values[:-1]
    return np.abs(step, out=step) > limit


def _moves_between(origins: pa.Table, destinations: pa.Table, minimum_m: float) -> pa.Table:
    origin, destination = degrees(origins), degrees(destinations)
    distance = haversine(*origin, *destination)
    far = np.flatnonzero(distance > minimum_m)
    gain = pc.subtract(destinations["current_range_meters"], origins["current_range_meters"])
    return pa.table(
        [
            destinations["vehicle_id"].take(far),
            origins["fetched_at"].take(far),
            destinations["fetched_at"].take(far),
            *(values[far] for values in (*origin, *destination)),
            distance[far],
            gain.take(far),
        ],
        schema=MOVES,
    )
