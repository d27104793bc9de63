"""Moves: two consecutive sightings of one vehicle more than 100 m apart."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.mobility.distance import haversine
from tasks.mobility.pieces import SCHEMA, Piece, whole_vehicles

MINIMUM_MOVE_M = 100.0
"""A displacement must exceed this, in metres, to be a move."""

MOVES = pa.schema(
    [
        ("vehicle_id", pa.string()),
        ("vehicle_type_id", pa.string()),
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
"""What `MovesOfDay.over` returns: times in UTC, degrees, metres. `vehicle_type_id` is what the
feed said at the end, or else at the start. `range_gain_m` is by how much the range grew from start
to end, null where the feed did not give both ranges."""


class MovesOfDay:
    """The moves of one feed in one day, found piece by piece."""

    def __init__(self, before: pa.Table | None = None) -> None:
        """With nothing seen yet.

        Args:
            before: The last sighting of each vehicle before the day (see `last_sightings`), so
                that a move across midnight is found, once, in the day in which it ends.
        """
        self._before = before
        self._origins = [SCHEMA.empty_table()]
        self._destinations = [SCHEMA.empty_table()]

    def see(self, piece: Piece) -> None:
        """Find the moves of some more vehicles."""
        self._origins.append(piece.take(piece.far))
        self._destinations.append(piece.take(piece.far + 1))
        if self._before is not None:
            first = piece.take(piece.begins)
            index = pc.index_in(first["vehicle_id"], self._before["vehicle_id"])
            known = pc.is_valid(index)
            self._origins.append(self._before.take(index.filter(known)))
            self._destinations.append(first.filter(known))

    def over(self, minimum_m: float = MINIMUM_MOVE_M) -> pa.Table:
        """The moves that are longer, in no particular order; schema `MOVES`.

        Args:
            minimum_m: Metres, at least `tasks.mobility.pieces.FAR_M`.
        """
        origins, destinations = (
            pa.concat_tables(self._origins),
            pa.concat_tables(self._destinations),
        )
        origin, destination = _degrees(origins), _degrees(destinations)
        distance = haversine(*origin, *destination)
        far = np.flatnonzero(distance > minimum_m)
        types = pc.coalesce(destinations["vehicle_type_id"], origins["vehicle_type_id"])
        gain = pc.subtract(destinations["current_range_meters"], origins["current_range_meters"])
        return pa.table(
            [
                destinations["vehicle_id"].take(far),
                types.take(far),
                origins["fetched_at"].take(far),
                destinations["fetched_at"].take(far),
                *(values[far] for values in (*origin, *destination)),
                distance[far],
                gain.take(far),
            ],
            schema=MOVES,
        )


def last_sightings(sightings: Iterable[pa.Table]) -> pa.Table:
    """The last sighting of each vehicle.

    Args:
        sightings: Chunks of one table sorted by `vehicle_id` and `fetched_at`.

    Returns:
        One row per vehicle, sorted by vehicle, with the columns `tasks.mobility.pieces.COLUMNS`.
    """
    last = [piece.take(piece.ends) for piece in whole_vehicles(sightings)]
    return pa.concat_tables([SCHEMA.empty_table(), *last])


def _degrees(sightings: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes and longitudes, shape [n] each."""
    return (
        sightings["latitude_e6"].to_numpy() / 1e6,
        sightings["longitude_e6"].to_numpy() / 1e6,
    )
