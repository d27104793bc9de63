"""The private table: every move of a service day, flagged by per-row rules; the rest are trips."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.mobility.areas import area_of
from tasks.mobility.presence import Presence, milliseconds
from tasks.region import Region, TripRules
from tasks.schema import TRIPS
from tasks.schema.trips import FLAGS


def trip_table(
    moves: pa.Table, polls: pa.Table, vehicle_types: pa.Table, feed: str, region: Region
) -> pa.Table:
    """Flag the moves of one feed and one service day.

    Every rule looks at one move, public constants of the region and the (public) times of the
    polls, never at other moves: the table of a day with one move more is the same table with
    that row added.

    Args:
        moves: Schema `tasks.mobility.moves.MOVES`.
        polls: Schema `tasks.schema.POLLS`; the polls of the day, and those of the evening
            before if moves across midnight are among the moves.
        vehicle_types: Schema `tasks.schema.VEHICLE_TYPES`; what the feed declared in public.
        feed: Id of the feed.
        region: Service area, time zone and rules.

    Returns:
        Schema `tasks.schema.TRIPS`, sorted by end and vehicle.
    """
    presence = Presence.of_polls(polls)
    end = milliseconds(moves["end_time"])
    start = np.minimum(presence.still_there(milliseconds(moves["start_time"])), end)
    flags = _flags(moves, start, end, presence, region.trips)
    area = area_of(
        region.service_area,
        *(
            (moves[f"{name}_latitude"].to_numpy(), moves[f"{name}_longitude"].to_numpy())
            for name in ("origin", "destination")
        ),
    )
    declared = pc.index_in(moves["vehicle_type_id"], vehicle_types["vehicle_type_id"])
    columns = {
        **{name: moves[name] for name in moves.column_names},
        "vehicle_type": vehicle_types["form_factor"].take(declared),
        "feed": pa.array([feed] * moves.num_rows, pa.string()),
        "start_time": pa.array(start, pa.timestamp("ms", "UTC")),
        "hour": local_hour(moves["end_time"], region.time_zone),
        "duration_s": (end - start) / 1000,
        "area": area,
        **flags,
        "is_trip": pc.and_(
            pc.is_valid(area), pa.array(~np.any([flags[flag.name] for flag in FLAGS], axis=0))
        ),
    }
    table = pa.table([columns[name] for name in TRIPS.names], schema=TRIPS.arrow())
    return table.sort_by([("end_time", "ascending"), ("vehicle_id", "ascending")])


def count_moves(table: pa.Table) -> dict[str, int]:
    """The moves of a table of schema `tasks.schema.TRIPS`, and why some are no trips.

    Returns:
        `moves`, `trips`, `outside_area` and one number for each flag; a move can have several.
    """
    numbers = {
        name: pc.sum(table[name], min_count=0).as_py()
        for name in ("is_trip", *(flag.name for flag in FLAGS))
    }
    trips = numbers.pop("is_trip")
    return {
        "moves": table.num_rows,
        "trips": trips,
        "outside_area": table["area"].null_count,
        **numbers,
    }


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


def _flags(
    moves: pa.Table,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    presence: Presence,
    rules: TripRules,
) -> dict[str, NDArray[np.bool_]]:
    """One array per flag of the schema; start and end in milliseconds."""
    seconds = (end - start) / 1000
    gain = moves["range_gain_m"].fill_null(0).to_numpy()
    return {
        "spans_gap": presence.longest_blindness(start, end) > rules.max_gap_minutes * 60_000,
        "too_fast": speed_kmh(moves["distance_m"].to_numpy(), seconds) > rules.max_speed_kmh,
        "too_short": seconds < rules.min_duration_s,
        "too_long": seconds > rules.max_duration_minutes * 60,
        "recharged": gain > rules.max_range_gain_m,
    }
