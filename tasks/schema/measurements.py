"""The published table of noisy counts, of releases that were made from counts."""

from dataclasses import replace

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

COUNTED_OF_ENDS = {
    f"{kind}_{name}": words.format(kind=kind)
    for kind in ("start", "end")
    for name, words in {
        "cells": "Rides that {kind} in the place.",
        "blocks": "The same in larger places.",
        "block_hours": "Rides that {kind} in the place, by hour.",
        "area_hours": "Rides that {kind} in the area, by hour.",
        "hours": "Rides that {kind} in the hour.",
        "quarters": "Rides that {kind} in the place, a quarter of those of `{kind}_cells`.",
        "sixteenths": "The same, a sixteenth.",
    }.items()
}
"""What is counted under each name where starts and ends of rides are not linked."""

_OF_TRIPS_ALONE = {
    *("to_south", "to_west", "to_north", "to_east"),
    *("from_m", "to_m", "from_degrees", "to_degrees"),
}

MEASUREMENTS_OF_ENDS = Table(
    name="measurements",
    description=MEASUREMENTS.description,
    version=1,
    columns=(
        replace(MEASUREMENTS.columns[0], categories=tuple(COUNTED_OF_ENDS)),
        *(each for each in MEASUREMENTS.columns[1:-2] if each.name not in _OF_TRIPS_ALONE),
        Column("count", pa.float64(), "Number of rides, with noise.", "rides"),
        Column("stddev", pa.float64(), "Standard deviation of the noise.", "rides", 0),
    ),
)
