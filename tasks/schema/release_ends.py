"""The published tables of feeds whose ids do not survive a ride: starts, ends, modelled trips."""

import pyarrow as pa

from tasks.schema.release import RELEASE
from tasks.schema.table import Column, Table

_PLACE = (
    Column("area", pa.string(), "Service area that holds it."),
    Column("hour", pa.int8(), "Local hour of the day.", "h", 0, 23),
    Column("latitude", pa.float64(), "WGS 84 latitude.", "degree", -90, 90),
    Column("longitude", pa.float64(), "WGS 84 longitude.", "degree", -180, 180),
)

RELEASE_STARTS = Table(
    name="starts",
    description="One row per synthetic start of a ride. No row is a real start.",
    version=1,
    columns=_PLACE,
)

RELEASE_ENDS = Table(
    name="ends",
    description="One row per synthetic end of a ride. No row is a real end.",
    version=1,
    columns=_PLACE,
)

MODELLED_TRIPS = Table(
    name="modelled_trips",
    description="One row per modelled trip. Which start and end make a trip was not observed: they "
    "are paired by what is publicly known about how far and how fast people ride.",
    version=1,
    columns=(
        RELEASE.columns[0],
        Column("start_hour", pa.int8(), "Local hour in which the trip starts.", "h", 0, 23),
        *RELEASE.columns[1:],
    ),
)
