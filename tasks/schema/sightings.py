"""The private table of sightings: one vehicle at one position in one poll."""

import pyarrow as pa

from tasks.schema.table import Column, Table

SIGHTINGS = Table(
    name="sightings",
    description="One row per vehicle per poll that saw it.",
    version=1,
    columns=(
        Column("vehicle_id", pa.string(), "The vehicle's id as the feed gave it in this poll."),
        Column(
            "fetched_at",
            pa.timestamp("ms", "UTC"),
            "When our poll received the position, by our own clock.",
        ),
        Column(
            "latitude_e6",
            pa.int32(),
            "WGS 84 latitude.",
            "microdegree",
            -90_000_000,
            90_000_000,
        ),
        Column(
            "longitude_e6",
            pa.int32(),
            "WGS 84 longitude.",
            "microdegree",
            -180_000_000,
            180_000_000,
        ),
        Column("is_reserved", pa.bool_(), "Whether the vehicle is reserved.", nullable=True),
        Column("is_disabled", pa.bool_(), "Whether the vehicle is out of order.", nullable=True),
        Column(
            "vehicle_type_id",
            pa.string(),
            "Key into the feed's vehicle types.",
            nullable=True,
        ),
        Column(
            "current_range_meters",
            pa.int32(),
            "Distance the vehicle can still go.",
            "m",
            0,
            10_000_000,
            nullable=True,
        ),
    ),
)

SIGHTINGS_OF_A_POLL = pa.schema(
    [field for field in SIGHTINGS.arrow() if field.name != "fetched_at"]
)
"""What one poll adds to the table: its `fetched_at` is the same in every row and stands once, in
the row of the poll."""
