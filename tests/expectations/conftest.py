from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tasks.mobility.distance import haversine
from tasks.region import Region
from tasks.schema import ENDS, RELEASE, SIGHTINGS, TRIPS
from tasks.schema.trips import FLAGS

START_MS = 1_779_249_600_000


@pytest.fixture
def region() -> Region:
    return Region.model_validate(
        {
            "id": "two-towns",
            "name": "Two towns",
            "time_zone": "Europe/Berlin",
            "service_area": [
                {"name": "east", "south": 52.3, "west": 10.8, "north": 52.5, "east": 11.0},
                {"name": "west", "south": 52.3, "west": 10.4, "north": 52.5, "east": 10.6},
            ],
            "feeds": [
                {"id": "one", "url": "https://one.example/gbfs.json"},
                {"id": "two", "url": "https://two.example/gbfs.json"},
            ],
            "capture": {"min_coverage": 0.9},
        }
    )


@pytest.fixture
def holed_region(region: Region) -> Region:
    """The same, with a square hole in the middle of the western town."""
    outline, hole = (
        [[10.5 + x * half, 52.4 + y * half] for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        for half in (0.1, 0.02)
    )
    polygons = [[[*ring, ring[0]] for ring in (outline, hole)]]
    west = {"name": "west", "polygons": polygons}
    document = region.model_dump(mode="json")
    document["service_area"] = [document["service_area"][0], west]
    return Region.model_validate(document)


@pytest.fixture
def release_rows(region: Region) -> Callable[..., pd.DataFrame]:
    """Makes a number of rows that meet every expectation, in both towns."""

    def make(n: int, seed: int = 7) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        box = rng.integers(0, 2, n)
        south, west = 52.3, np.where(box == 0, 10.8, 10.4)
        latitude = np.round(south + rng.uniform(0.05, 0.15, n), 6)
        longitude = np.round(west + rng.uniform(0.05, 0.15, n), 6)
        there = np.round(latitude + rng.uniform(0.002, 0.04, n), 6)
        frame = pd.DataFrame(
            {
                "area": pd.array(np.where(box == 0, "east", "west"), dtype="str"),
                "hour": rng.integers(0, 24, n).astype("int8"),
                "origin_latitude": latitude,
                "origin_longitude": longitude,
                "destination_latitude": there,
                "destination_longitude": longitude,
                "distance_m": haversine(latitude, longitude, there, longitude),
            }
        )
        assert tuple(frame.columns) == RELEASE.names
        return frame

    return make


@pytest.fixture
def moves(release_rows: Callable[..., pd.DataFrame]) -> Callable[[int], pa.Table]:
    """Makes a private table of moves, all of them trips."""

    def make(n: int) -> pa.Table:
        rows = release_rows(n)
        start = START_MS + np.arange(n) * 60_000
        columns: dict[str, Any] = {
            **{name: rows[name] for name in rows.columns},
            "feed": ["one"] * n,
            "vehicle_id": [f"vehicle-{i}" for i in range(n)],
            "vehicle_type": [None if i % 2 else "bicycle" for i in range(n)],
            "start_time": pa.array(start, pa.timestamp("ms", "UTC")),
            "end_time": pa.array(start + 600_000, pa.timestamp("ms", "UTC")),
            "duration_s": np.full(n, 600.0),
            **{flag.name: np.zeros(n, bool) for flag in FLAGS},
            "is_trip": np.ones(n, bool),
        }
        return pa.table([columns[name] for name in TRIPS.names], schema=TRIPS.arrow())

    return make


@pytest.fixture
def ends(release_rows: Callable[..., pd.DataFrame]) -> Callable[[int], pa.Table]:
    """Makes a private table of starts and ends that breaks no rule."""

    def make(n: int) -> pa.Table:
        rows = release_rows(n)
        columns = {
            "feed": ["one"] * n,
            "kind": ["end" if i % 2 else "start" for i in range(n)],
            "time": pa.array(START_MS + np.arange(n) * 60_000, pa.timestamp("ms", "UTC")),
            "hour": rows["hour"],
            "latitude": rows["origin_latitude"],
            "longitude": rows["origin_longitude"],
            "area": rows["area"],
        }
        return pa.table([columns[name] for name in ENDS.names], schema=ENDS.arrow())

    return make


@pytest.fixture
def sightings() -> Callable[[int], pa.Table]:
    """Makes a table of sightings that breaks no rule, with nulls where they are allowed."""

    def make(n: int) -> pa.Table:
        index = np.arange(n)
        columns = {
            "vehicle_id": [f"vehicle-{i // 10}" for i in range(n)],
            "fetched_at": pa.array(START_MS + index * 1000, pa.timestamp("ms", "UTC")),
            "latitude_e6": (52_400_000 + index).astype("int32"),
            "longitude_e6": (10_500_000 + index).astype("int32"),
            "is_reserved": pa.array([None if i % 3 else True for i in range(n)], pa.bool_()),
            "is_disabled": pa.array([None] * n, pa.bool_()),
            "vehicle_type_id": pa.array([None if i % 2 else "1" for i in range(n)], pa.string()),
            "current_range_meters": pa.array(
                [None if i % 2 else 12_000 for i in range(n)], pa.int32()
            ),
        }
        return pa.table([columns[name] for name in SIGHTINGS.names], schema=SIGHTINGS.arrow())

    return make


@pytest.fixture
def put() -> Callable[[pa.Table, str, Any], pa.Table]:
    """Replaces values of one column: row number to new value."""

    def change(table: pa.Table, column: str, values: dict[int, Any]) -> pa.Table:
        field = table.schema.field(column)
        cells = table[column].to_pylist()
        for row, value in values.items():
            cells[row] = value
        index = table.schema.get_field_index(column)
        return table.set_column(index, field, pa.array(cells, field.type))

    return change
