"""The published table of intervals: how far the true numbers of the day may be from the rows."""

import pyarrow as pa

from tasks.schema.measurements import MEASUREMENTS
from tasks.schema.table import Column, Table

ESTIMATED = {
    "origins": "Trips that start in the place.",
    "destinations": "Trips that end in the place.",
    "flows": "Trips that start in the place and end in the other, or in the same.",
    "hours": "Trips by hour.",
    "distances": "Trips by distance.",
}
"""What is counted under each name."""

GRIDS = (0.01, 0.05)
"""Heights of the places, degrees; their edges are multiples of it."""

INTERVALS = Table(
    name="intervals",
    description="One row per place and pair of places that holds a synthetic trip, per hour and "
    "per distance, with an interval that holds the true number of the day's trips in 90 of 100 "
    "cases.",
    version=1,
    columns=(
        Column("counted", pa.string(), "What is counted.", categories=tuple(ESTIMATED)),
        Column(
            "grid_degrees",
            pa.float64(),
            "Height of the places; they are as wide, or wider towards the poles.",
            "degree",
            min(GRIDS),
            max(GRIDS),
            nullable=True,
        ),
        *(
            MEASUREMENTS.column(name)
            for name in (
                "area",
                *("south", "west", "north", "east"),
                *("to_south", "to_west", "to_north", "to_east"),
                *("hour", "from_m", "to_m"),
            )
        ),
        Column("rows", pa.int64(), "Number of synthetic trips.", "trips", 0),
        Column("low", pa.float64(), "Lower end of the interval.", "trips", 0),
        Column("high", pa.float64(), "Upper end of the interval.", "trips", 0),
        Column(
            "stddev", pa.float64(), "Standard deviation of what the true number may be.", "trips", 0
        ),
    ),
)
