import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tasks.mobility.distance import haversine
from tasks.region import Region
from tasks.release.manifest import FileFacts, PublicManifest, public_manifest
from tasks.release.software import Software
from tasks.release.tables import SCHEMAS
from tasks.schema import RELEASE

DAY = dt.date(2026, 5, 20)
AREAS = [
    {"name": "north", "south": 52.4, "west": 10.4, "north": 52.5, "east": 10.6},
    {"name": "south", "south": 52.2, "west": 10.4, "north": 52.3, "east": 10.6},
]

ROWS_OF_ENDS = {"starts": 1500, "ends": 1450, "modelled_trips": 1449}

MakeRegion = Callable[..., Region]
MakeRows = Callable[[Region, int], pa.Table]
MakeIntervals = Callable[[Region, pa.Table], pa.Table]


@pytest.fixture
def make_region() -> MakeRegion:
    """Makes a region; keyword arguments replace its fields."""

    def make(**changes: Any) -> Region:
        fields: dict[str, Any] = {
            "id": "town",
            "name": "Town",
            "time_zone": "Europe/Berlin",
            "service_area": AREAS[:1],
            "feeds": [{"id": "one", "url": "https://one.example/gbfs.json"}],
        }
        return Region.model_validate({**fields, **changes})

    return make


@pytest.fixture
def region(make_region: MakeRegion) -> Region:
    return make_region()


@pytest.fixture
def make_rows() -> MakeRows:
    """Makes valid synthetic rows of a region, in no order."""

    def make(region: Region, n: int) -> pa.Table:
        rng = np.random.default_rng(11)
        boxes = region.service_area
        index = rng.integers(0, len(boxes), n)
        south = np.array([box.south for box in boxes])[index]
        west = np.array([box.west for box in boxes])[index]
        ends = [
            np.round(edge + rng.uniform(low, high, n), 6)
            for edge, low, high in (
                (south, 0.001, 0.04),
                (west, 0.001, 0.15),
                (south, 0.045, 0.099),
                (west, 0.001, 0.15),
            )
        ]
        columns = [
            pa.array([boxes[i].name for i in index], pa.string()),
            pa.array(rng.integers(0, 24, n), pa.int8()),
            *ends,
            haversine(*ends),
        ]
        return pa.table(columns, schema=RELEASE.arrow())

    return make


@pytest.fixture
def make_intervals() -> MakeIntervals:
    """Makes a table of intervals of rows: from 10 under each number to 10 over it, at least 0."""

    def make(region: Region, rows: pa.Table) -> pa.Table:
        places = [
            {"counted": f"{end}s", "grid_degrees": grid, "area": area, **edges, "rows": count}
            for end in ("origin", "destination")
            for grid in (0.01, 0.05)
            for (area, edges, count) in _places(rows, end, grid)
        ]
        flows = [
            {"counted": "flows", "grid_degrees": grid, "area": area, **edges, "rows": count}
            for grid in (0.01, 0.05)
            for (area, edges, count) in _flows(rows, grid)
        ]
        hours, counts = np.unique(rows["hour"].to_numpy(), return_counts=True)
        of_hours = [
            {"counted": "hours", "hour": int(hour), "rows": int(count)}
            for hour, count in zip(hours, counts, strict=True)
        ]
        edges = 100 * 2 ** (np.arange(33) / 4)
        counts, _ = np.histogram(rows["distance_m"].to_numpy(), edges)
        of_distances = [
            {"counted": "distances", "from_m": low, "to_m": high, "rows": int(count)}
            for low, high, count in zip(edges, edges[1:], counts, strict=False)
        ]
        names = {"hour": pa.int8(), "counted": pa.string(), "area": pa.string(), "rows": pa.int64()}
        known = [
            {**row, "low": max(row["rows"] - 10.0, 0.0), "high": row["rows"] + 10.0, "stddev": 6.0}
            for row in (*places, *flows, *of_hours, *of_distances)
        ]
        columns = dict.fromkeys(name for row in known for name in row)
        schema = pa.schema([(name, names.get(name, pa.float64())) for name in columns])
        return pa.Table.from_pylist(known, schema)

    return make


def _places(rows: pa.Table, end: str, grid: float) -> Iterator[tuple[str, dict[str, float], int]]:
    """The squares of a grid that hold an end of a row."""
    counted = Counter(zip(rows["area"].to_pylist(), _squares(rows, end, grid), strict=True))
    for (area, square), count in counted.items():
        yield area, _corners(square, grid), count


def _flows(rows: pa.Table, grid: float) -> Iterator[tuple[str, dict[str, float], int]]:
    """The pairs of squares that hold both ends of a row."""
    ends = (_squares(rows, end, grid) for end in ("origin", "destination"))
    counted = Counter(zip(rows["area"].to_pylist(), *ends, strict=True))
    for (area, origin, destination), count in counted.items():
        yield area, _corners(origin, grid) | _corners(destination, grid, "to_"), count


def _squares(rows: pa.Table, end: str, grid: float) -> list[tuple[float, float]]:
    """Row and column of the square that holds an end of each row."""
    south, west = (
        np.floor(rows[f"{end}_{name}"].to_numpy() / grid) for name in ("latitude", "longitude")
    )
    return list(zip(south, west, strict=True))


def _corners(square: tuple[float, float], grid: float, prefix: str = "") -> dict[str, float]:
    row, column = square
    corners = {"south": row, "west": column, "north": row + 1, "east": column + 1}
    return {f"{prefix}{name}": float(at * grid) for name, at in corners.items()}


@pytest.fixture
def sealed() -> dict[str, Any]:
    """The private manifest of a sealed day of one feed."""
    return {
        "kind": "sightings",
        "region": "town",
        "service_day": DAY.isoformat(),
        "start": "2026-05-19T22:00:00+00:00",
        "end": "2026-05-20T22:00:00+00:00",
        "schema_version": 1,
        "feeds": {
            "one": {
                "rows": 7_654_321,
                "vehicles": 8_643,
                "polls": 1_436,
                "outcomes": {"ok": 1_111, "not_modified": 313, "timeout": 9, "http_error": 3},
                "due": 1_440,
                "coverage": 0.9888,
                "first_fetched_at": "2026-05-19T22:00:17+00:00",
                "last_fetched_at": "2026-05-20T21:59:19+00:00",
                "gaps": [["2026-05-20T09:14:00+00:00", "2026-05-20T09:25:00+00:00"]],
                "longest_gap_seconds": 660.0,
                "quarantined": {"no_position": 4_242},
                "damaged": [],
            }
        },
        "files": {"one.parquet": {"bytes": 98_765_432, "sha256": "ab" * 32}},
    }


@pytest.fixture
def model() -> dict[str, Any]:
    """A stored model's public and private statements."""
    return {
        "synthesizer": {
            "name": "trip_net",
            "levels": 3,
            "hidden_units": 16,
            "sampling_probability": 0.1,
            "steps": 300,
            "reserve_steps": 30,
            "optimizer": "adam",
            "l2_norm_clip": 1.0,
            "learning_rate": 0.015,
            "weight_averaging": 0.98,
        },
        "rows": 500,
        "privacy": {
            "unit": "trip",
            "max_trips_per_vehicle": None,
            "adjacency": "zero_out",
            "epsilon": 1.0,
            "delta": 1e-6,
            "mechanism": {
                "name": "dp_sgd",
                "sampling_probability": 0.1,
                "noise_multiplier": 6.8231,
                "steps": 300,
                "reserve_steps": 30,
                "l2_norm_clip": 1.0,
            },
            "count": None,
            "history": None,
            "epsilon_pld": 0.99987,
            "epsilon_rdp": 1.0643,
            "accountant": "dp-accounting 0.4.3, PLD",
            "charge": {"key": "0123456789abcdef" * 2, "sources": ["town-fleet"]},
        },
    }


@pytest.fixture
def vehicle_model(model: dict[str, Any]) -> dict[str, Any]:
    """The same under `vehicle_day` and `add_remove`."""
    privacy = {
        **model["privacy"],
        "unit": "vehicle_day",
        "max_trips_per_vehicle": 4,
        "adjacency": "add_remove",
        "count": {"sensitivity": 4, "scale": "80"},
    }
    return {**model, "privacy": privacy}


@pytest.fixture
def field_model(model: dict[str, Any]) -> dict[str, Any]:
    """The statement of a `trip_field`."""
    tables = [
        {"name": "ends", "cells": 200, "distinct": 2, "multiplier": 2, "sigma": "3224/125"},
        {"name": "hours", "cells": 24, "distinct": 1, "multiplier": 1, "sigma": "13117/500"},
    ]
    return counted(model, {"name": "trip_field", "steps": 400}, tables)


@pytest.fixture
def ends_model(model: dict[str, Any]) -> dict[str, Any]:
    """The statement of a `trip_ends`."""
    table = {"cells": 600, "distinct": 1, "multiplier": 2, "sigma": "31"}
    tables = [{**table, "name": f"{kind}_cells"} for kind in ("start", "end")]
    return counted(model, {"name": "trip_ends", "steps": 400}, tables)


def counted(
    model: dict[str, Any], synthesizer: dict[str, Any], tables: list[dict[str, Any]]
) -> dict[str, Any]:
    mechanism = {
        "name": "gaussian_counts",
        "noise_multiplier": 4.22,
        "trips_per_unit": 1,
        "tables": tables,
    }
    privacy = {**model["privacy"], "mechanism": mechanism}
    return {**model, "synthesizer": synthesizer, "privacy": privacy}


@pytest.fixture
def ends_tables(region: Region, make_rows: MakeRows) -> dict[str, pa.Table]:
    """Rows of a release of starts, ends and modelled trips."""
    trips = make_rows(region, ROWS_OF_ENDS["starts"])
    columns = {name: trips[name] for name in trips.column_names}
    columns |= {"start_hour": columns["hour"]}
    ends = {"starts": "origin", "ends": "destination"}
    found = {}
    for name, rows in ROWS_OF_ENDS.items():
        end = ends.get(name, "")
        places = {axis: columns.get(f"{end}_{axis}") for axis in ("latitude", "longitude")}
        values = [{**columns, **places}[column] for column in SCHEMAS[name].names]
        found[name] = pa.table(values, names=SCHEMAS[name].names).slice(0, rows)
    return found


@pytest.fixture
def make_manifest(sealed: dict[str, Any], model: dict[str, Any]) -> Callable[..., PublicManifest]:
    """Makes the public manifest of a region; keyword arguments replace what it is made from."""

    def make(region: Region, **changes: Any) -> PublicManifest:
        sources: dict[str, Any] = {
            "rows": {"trips": 500},
            "sealed": sealed,
            "model": model,
            "checks": {"expectations": 43, "warnings": []},
            "software": Software(opentrips="0.1.0+abc", packages={"numpy": "1.26.4"}),
            "files": {"trips.parquet": FileFacts(bytes=12_345, sha256="cd" * 32)},
        }
        return public_manifest(region, DAY, **{**sources, **changes})

    return make
