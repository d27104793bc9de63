"""The private table of unlinked starts and ends, for feeds whose ids do not survive a ride."""

import pyarrow as pa

from tasks.schema.table import Column, Table

ENDS = Table(
    name="ends",
    description="One row per place where a vehicle id vanished (a start) or appeared (an end); "
    "which end belongs to which start is not known.",
    version=1,
    columns=(
        Column("feed", pa.string(), "Id of the feed in the region's configuration."),
        Column("kind", pa.string(), "What it is of a ride.", categories=("start", "end")),
        Column(
            "time",
            pa.timestamp("ms", "UTC"),
            "Last time seen of a start, first time seen of an end.",
        ),
        Column("hour", pa.int8(), "Local hour of the day.", "h", 0, 23),
        Column("latitude", pa.float64(), "WGS 84 latitude.", "degree", -90, 90),
        Column("longitude", pa.float64(), "WGS 84 longitude.", "degree", -180, 180),
        Column("area", pa.string(), "Service area that holds it.", nullable=True),
    ),
)
