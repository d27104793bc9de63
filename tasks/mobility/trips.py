"""The private table: every move of a service day, flagged by per-row rules; the rest are trips."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.mobility.presence import Presence, milliseconds
from tasks.region import Box, Region
from tasks.schema import TRIPS


def trip_table(moves: pa.Table, polls: pa.Table, feed: str, region: Region) -> pa.Table:
    """Flag the moves of one feed and one service day.

    Every rule looks at one move, public constants of the region and the (public) times of the
    polls, never at other moves: the table of a day with one move more is the same table with
    that row added.

    Args:
        moves: Schema `tasks.mobility.moves.MOVES`.
        polls: Schema `tasks.schema.POLLS`; the polls of the day, and those of the evening
            before if moves across midnight are among the moves.
        feed: Id of the feed.
        region: Service area, time zone and rules.

    Returns:
        Schema `tasks.schema.TRIPS`, sorted by end and vehicle.
    """
    presence = Presence.of_polls(polls)
    end = milliseconds(moves["end_time"])
    start = np.minimum(presence.still_there(milliseconds(moves["start_time"])), end)
    seconds = (end - start) / 1000
    too_fast = speed_kmh(moves["distance_m"].to_numpy(), seconds) > region.trips.max_speed_kmh
    spans_gap = presence.longest_blindness(start, end) > region.trips.max_gap_minutes * 60_000
    area = area_of(moves, region.service_area)
    columns = {
        **{name: moves[name] for name in moves.column_names},
        "feed": pa.array([feed] * moves.num_rows, pa.string()),
        "start_time": pa.array(start, pa.timestamp("ms", "UTC")),
        "hour": local_hour(moves["end_time"], region.time_zone),
        "duration_s": seconds,
        "area": area,
        "spans_gap": spans_gap,
        "too_fast": too_fast,
        "is_trip": pc.and_(pc.is_valid(area), pa.array(~(spans_gap | too_fast))),
    }
    table = pa.table([columns[name] for name in TRIPS.names], schema=TRIPS.arrow())
    return table.sort_by([("end_time", "ascending"), ("vehicle_id", "ascending")])


def local_hour(times: pa.ChunkedArray, time_zone: str) -> pa.ChunkedArray:
    """Hour of the local day, 0 to 23; the hour that a clock change repeats appears twice."""
    return pc.cast(pc.hour(pc.cast(times, pa.timestamp("ms", time_zone))), pa.int8())


def speed_kmh(distance_m: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Speed of the straight line in km/h; infinite where no time passed.

    Examples:
        >>> speed_kmh(np.array([1000.0, 100.0]), np.array([240.0, 0.0])).round(6).tolist()
        [15.0, inf]
    """
    with np.errstate(divide="ignore"):
        speed: NDArray[np.float64] = 3.6 * np.divide(distance_m, seconds)
    return speed


def area_of(moves: pa.Table, boxes: tuple[Box, ...]) -> pa.Array:
    """Name of the first box that holds both ends of each move, null where none does."""
    ends = [
        (moves[f"{end}_latitude"].to_numpy(), moves[f"{end}_longitude"].to_numpy())
        for end in ("origin", "destination")
    ]
    index = np.full(moves.num_rows, -1)
    for i, box in reversed(list(enumerate(boxes))):
        inside = np.ones(moves.num_rows, dtype=bool)
        for latitude, longitude in ends:
            inside &= (box.south <= latitude) & (latitude <= box.north)
            inside &= (box.west <= longitude) & (longitude <= box.east)
        index[inside] = i
    names = pa.array([box.name for box in boxes], pa.string())
    return names.take(pa.array(index, mask=index < 0))
