"""The private table of moves, trips among them."""

import pyarrow as pa

from tasks.schema.table import Column, Table
from tasks.schema.vehicle_types import FORM_FACTORS

FLAGS = (
    Column("spans_gap", pa.bool_(), "The feed was not seen for too long in between."),
    Column("too_fast", pa.bool_(), "The straight line alone implies an impossible speed."),
    Column("too_short", pa.bool_(), "It took less time than a trip does."),
    Column("too_long", pa.bool_(), "It took more time than a trip does."),
    Column("recharged", pa.bool_(), "The range grew: the vehicle was moved by its operator."),
)
"""What is wrong with a move that is no trip though it lies inside a service area."""

TRIPS = Table(
    name="trips",
    description="One row per move; a move without a flag, inside the service area, is a trip.",
    version=3,
    columns=(
        Column("feed", pa.string(), "Id of the feed in the region's configuration."),
        Column("vehicle_id", pa.string(), "The vehicle's id in that feed."),
        Column(
            "vehicle_type",
            pa.string(),
            "Its form factor, from the feed's public vehicle types.",
            categories=FORM_FACTORS,
            nullable=True,
        ),
        Column("start_time", pa.timestamp("ms", "UTC"), "Last time seen at the origin."),
        Column("end_time", pa.timestamp("ms", "UTC"), "First time seen at the destination."),
        Column("hour", pa.int8(), "Local hour of the day of the end.", "h", 0, 23),
        Column("origin_latitude", pa.float64(), "WGS 84 latitude.", "degree", -90, 90),
        Column("origin_longitude", pa.float64(), "WGS 84 longitude.", "degree", -180, 180),
        Column("destination_latitude", pa.float64(), "WGS 84 latitude.", "degree", -90, 90),
        Column("destination_longitude", pa.float64(), "WGS 84 longitude.", "degree", -180, 180),
        Column("distance_m", pa.float64(), "Great-circle distance.", "m", 0, 20_100_000),
        Column("duration_s", pa.float64(), "From start to end.", "s", 0, 2 * 25 * 3600),
        Column("area", pa.string(), "Service area that holds both ends.", nullable=True),
        *FLAGS,
        Column("is_trip", pa.bool_(), "Inside one service area, and no flag."),
    ),
)
