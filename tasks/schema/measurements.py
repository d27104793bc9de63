"""The published table of noisy counts, of releases that were made from counts."""

import pyarrow as pa

from tasks.schema.table import Column, Table

COUNTED = {
    "ends": "Trips that start or end in the place; one that does both there counts once.",
    "block_ends": "The same in larger places.",
    "origins": "Trips that start in the place.",
    "block_hours": "Trips that start in the place, by hour.",
    "area_hours": "Trips of the area, by hour.",
    "hours": "Trips by hour.",
    "flows": "Trips that start in the place and end in the other; without another place those "
    "that end further away.",
    "area_distances": "Trips of the area, by distance.",
    "distances": "Trips by distance.",
    "bearings": "Trips by distance and bearing.",
    "hour_octaves": "Trips of the area, by hour and distance.",
    "quarters": "Trips that start or end in the place, a quarter of those of `ends`.",
    "sixteenths": "The same, a sixteenth.",
}
"""What is counted under each name."""


def _edge(name: str, words: str, most: float) -> Column:
    return Column(name, pa.float64(), words, "degree", -most, most, nullable=True)


MEASUREMENTS = Table(
    name="measurements",
    description="One row per count that was taken of the day, with its noise. The noise of every "
    "row is independent of all others; a count may be negative.",
    version=1,
    columns=(
        Column("counted", pa.string(), "What is counted.", categories=tuple(COUNTED)),
        Column("area", pa.string(), "Service area.", nullable=True),
        _edge("south", "Southern edge of the place.", 90),
        _edge("west", "Western edge of the place.", 180),
        _edge("north", "Northern edge of the place.", 90),
        _edge("east", "Eastern edge of the place.", 180),
        _edge("to_south", "Southern edge of the place of the end.", 90),
        _edge("to_west", "Western edge of the place of the end.", 180),
        _edge("to_north", "Northern edge of the place of the end.", 90),
        _edge("to_east", "Eastern edge of the place of the end.", 180),
        Column("hour", pa.int8(), "Local hour of the day.", "h", 0, 23, nullable=True),
        Column("from_m", pa.float64(), "Distance at least.", "m", 0, 20_100_000, nullable=True),
        Column("to_m", pa.float64(), "Distance less than.", "m", 0, 20_100_000, nullable=True),
        Column(
            "from_degrees",
            pa.float64(),
            "Bearing at least, from north by east.",
            "degree",
            0,
            360,
            nullable=True,
        ),
        Column("to_degrees", pa.float64(), "Bearing less than.", "degree", 0, 360, nullable=True),
        Column("count", pa.float64(), "Number of trips, with noise.", "trips"),
        Column("stddev", pa.float64(), "Standard deviation of the noise.", "trips", 0),
    ),
)
