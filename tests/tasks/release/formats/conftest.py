from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tasks.region import Region
from tasks.release.bundle import publish_first
from tasks.release.manifest import PublicManifest
from tasks.release.tables import write_parquet
from tasks.schema import INTERVALS, MEASUREMENTS, MEASUREMENTS_OF_ENDS, Table
from tests.tasks.release.conftest import ROWS_OF_ENDS

ROWS = 500


@pytest.fixture(params=["trips", "ends"])
def kind(request: pytest.FixtureRequest) -> str:
    """What is released."""
    return str(request.param)


@pytest.fixture
def rows(
    kind: str,
    region: Region,
    make_rows: Callable[[Region, int], pa.Table],
    ends_tables: dict[str, pa.Table],
) -> dict[str, pa.Table]:
    """The synthetic rows of the release."""
    return {"trips": make_rows(region, ROWS)} if kind == "trips" else ends_tables


@pytest.fixture
def release(
    kind: str,
    rows: dict[str, pa.Table],
    region: Region,
    make_manifest: Callable[..., PublicManifest],
    field_model: dict[str, Any],
    ends_model: dict[str, Any],
    tmp_path: Path,
) -> Path:
    """A whole release: rows, counts, intervals and all that describes them."""

    def write_more(directory: Path) -> list[str]:
        measurements = MEASUREMENTS if kind == "trips" else MEASUREMENTS_OF_ENDS
        named = {"measurements.parquet": measurements, "intervals.parquet": INTERVALS}
        for name, table in named.items():
            write_parquet(some_rows(table), directory / name)
        return list(named)

    def manifest_of(files: dict[str, Any]) -> PublicManifest:
        return make_manifest(
            region,
            files=files,
            rows={"trips": ROWS} if kind == "trips" else ROWS_OF_ENDS,
            model=field_model if kind == "trips" else ends_model,
        )

    return publish_first(tmp_path / "town" / "2026-05-20", rows, manifest_of, write_more)


def some_rows(table: Table) -> pa.Table:
    """Two valid rows of a table: the least of everything, and as little as there may be."""
    least = {
        column.name: column.categories[0] if column.categories else column.minimum or 0
        for column in table.columns
    } | {"area": "north"}
    empty = {column.name: None for column in table.columns if column.nullable}
    return pa.Table.from_pylist([least, least | empty], table.arrow())
