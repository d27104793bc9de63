"""The published table of synthetic trips."""

import pyarrow as pa

from tasks.schema.table import Column, Table

RELEASE = Table(
    name="release",
    description="One row per synthetic trip. No row is a real trip.",
    version=1,
    columns=(
        Column("area", pa.string(), "Service area in which the trip starts and ends."),
        Column("hour", pa.int8(), "Local hour of the day in which the trip ends.", "h", 0, 23),
        Column("origin_latitude", pa.float64(), "WGS 84 latitude of the start.", "degree", -90, 90),
        Column(
            "origin_longitude", pa.float64(), "WGS 84 longitude of the start.", "degree", -180, 180
        ),
        Column(
            "destination_latitude", pa.float64(), "WGS 84 latitude of the end.", "degree", -90, 90
        ),
        Column(
            "destination_longitude",
            pa.float64(),
            "WGS 84 longitude of the end.",
            "degree",
            -180,
            180,
        ),
        Column(
            "distance_m",
            pa.float64(),
            "Great-circle distance from start to end.",
            "m",
            100,
            20_100_000,
        ),
    ),
)
