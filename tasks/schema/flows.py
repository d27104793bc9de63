"""The published tables of places and of trips between them, as viewers of flow maps read them."""

import pyarrow as pa

from tasks.schema.table import Column, Table

LOCATIONS = Table(
    name="locations",
    description="One row per place in which a synthetic trip starts or ends: a cell of 0.01 by "
    "0.01 degrees whose edges are multiples of that.",
    version=1,
    columns=(
        Column("id", pa.string(), "South-western corner of the place, degrees."),
        Column("name", pa.string(), "Centre of the place, degrees, for people."),
        Column("lat", pa.float64(), "WGS 84 latitude of the centre.", "degree", -90, 90),
        Column("lon", pa.float64(), "WGS 84 longitude of the centre.", "degree", -180, 180),
    ),
)

FLOWS = Table(
    name="flows",
    description="One row per pair of places between which a synthetic trip goes.",
    version=1,
    columns=(
        Column("origin", pa.string(), "Place of the start, an id of locations."),
        Column("dest", pa.string(), "Place of the end, an id of locations."),
        Column("count", pa.int64(), "Number of synthetic trips.", "trips", 1),
    ),
)
