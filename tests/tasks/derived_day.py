"""A derived day to train on: a region of two feeds, and its private table of moves."""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.files import Layout, write_manifest
from tasks.mobility.distance import haversine
from tasks.region import Region
from tasks.schema import TRIPS
from tasks.schema.trips import FLAGS
from tasks.synthesis import sphere
from tests.tasks.conftest import FULLY_ANSWERED, town

DAY = dt.date(2026, 5, 20)
ROWS = 700


def region_with(**changes: Any) -> Region:
    """The region; keyword arguments replace its fields."""
    fields = {
        "feeds": [
            {"id": "one", "url": "https://one.example/gbfs.json"},
            {"id": "two", "url": "https://two.example/gbfs.json", "source": "fleet-two"},
        ],
        "synthesizer": {
            "name": "trip_net",
            "levels": 2,
            "hidden_units": 8,
            "steps": 60,
            "reserve_steps": 8,
        },
    }
    return town("demo", **{**fields, **changes})


def write_trips(
    layout: Layout, rows: int = ROWS, moves: int = 40, trips_per_vehicle: int = 1
) -> None:
    """Store trips, and moves that are none."""
    generator = np.random.default_rng(1)
    total = rows + moves
    latitude, longitude = generator.normal(52.4, 0.01, total), generator.normal(10.75, 0.01, total)
    to_latitude, to_longitude = sphere.destination(
        latitude, longitude, generator.uniform(200, 900, total), generator.uniform(0, 6, total)
    )
    is_trip = np.arange(total) < rows
    end = np.datetime64("2026-05-20T10:00:00", "ms") + np.arange(total)
    table = pa.table(
        {
            "feed": ["one"] * total,
            "vehicle_id": [str(index // trips_per_vehicle) for index in range(total)],
            "vehicle_type": ["bicycle"] * total,
            "start_time": end - np.timedelta64(600, "s"),
            "end_time": end,
            "hour": generator.integers(0, 24, total).astype(np.int8),
            "origin_latitude": latitude,
            "origin_longitude": longitude,
            "destination_latitude": to_latitude,
            "destination_longitude": to_longitude,
            "distance_m": haversine(latitude, longitude, to_latitude, to_longitude),
            "duration_s": np.full(total, 600.0),
            "area": ["town"] * total,
            **{flag.name: np.zeros(total, bool) for flag in FLAGS},
            "spans_gap": ~is_trip,
            "is_trip": is_trip,
        }
    ).cast(TRIPS.arrow())
    directory = layout.trips("demo", DAY)
    directory.mkdir(parents=True)
    pq.write_table(table, directory / "trips.parquet")
    write_manifest(directory, {"trips": rows, "moves": total}, ["trips.parquet"])


def write_sealed(layout: Layout) -> None:
    """What publishing needs of the sealed day: the public outcome of its polls."""
    sealed = {
        "start": "2026-05-19T22:00Z",
        "end": "2026-05-20T22:00Z",
        "feeds": {"one": FULLY_ANSWERED, "two": FULLY_ANSWERED},
    }
    directory = layout.sightings("demo", DAY)
    directory.mkdir(parents=True)
    write_manifest(directory, sealed, [])
