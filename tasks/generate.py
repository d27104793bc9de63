"""The Prefect task `generate`: as many synthetic rows as the model says, n or a noisy count."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from prefect import get_run_logger

from tasks import exchange
from tasks.files import (
    Layout,
    read_manifest,
    sha256_of,
    verify_files,
    write_atomically,
    write_manifest,
)
from tasks.files.manifest import MANIFEST
from tasks.region import Region
from tasks.region.ways import WAYS, Ways, read_ways
from tasks.release.bundle import INTERVALS
from tasks.step import step


@step("generate-{region.id}-{day}", reads=[exchange.model])
def generate(region: Region, day: dt.date, afresh: bool = False) -> dict[str, Any]:
    """Sample the day's synthetic tables from its stored model; post-processing, charged nothing.

    Where the region names roads and docks, ends are moved to them. Another file of them, or
    another distance, makes other rows of the same model.

    Args:
        region: The region.
        day: The service day; its model is trained.
        afresh: Whether to draw other rows where the model's own are there already.

    Returns:
        The manifest of the synthetic day's directory: the rows of each table, the model's
        manifest hash, the file of `ways` that ends were moved to, and how many of all `ends` were.

    Raises:
        RegionError: If the region's roads and docks cannot be read.
        ModelFileError: If the day has no trained model.
        FileError: If a file is missing or altered.
    """
    layout = Layout.from_environment()
    directory = layout.synthetic(region.id, day)
    model = layout.model(region.id, day)
    finished = read_manifest(directory)
    ways, source = _ways_of(region)
    made_of = {"model_manifest": _hash_of(model), "ways": source}
    if not afresh and finished is not None and made_of.items() <= finished.items():
        verify_files(directory, finished)
        return finished
    from tasks.synthesis.draw import draw_tables
    from tasks.synthesis.error_bars import intervals_of

    tables, ends = draw_tables(model), None
    if ways is not None:
        tables, ends = _moved(region, ways, tables)
    rows = {name: table.num_rows for name, table in tables.items()}
    said = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in rows.items())
    get_run_logger().info("Generated %s", said)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MANIFEST).unlink(missing_ok=True)
    files = {f"{name}.parquet": table for name, table in tables.items()}
    if "trips" in tables and (bars := intervals_of(model, tables["trips"])) is not None:
        files[INTERVALS] = bars
    for name, table in files.items():
        content = pa.BufferOutputStream()
        pq.write_table(table, content, compression="zstd")
        write_atomically(directory / name, content.getvalue().to_pybytes())
    if ways is not None:
        write_atomically(directory / WAYS, ways.packed())
    fields = {
        "region": region.id,
        "day": day.isoformat(),
        "rows": rows,
        **made_of,
        "ends": ends,
    }
    write_manifest(directory, fields, files if ways is None else [*files, WAYS])
    manifest = read_manifest(directory)
    assert manifest is not None
    return manifest


def _ways_of(region: Region) -> tuple[Ways | None, dict[str, Any] | None]:
    """The region's roads and docks, if it names any, and what the manifest says of them."""
    if region.snap is None:
        return None, None
    path, within_m = Path(region.snap.file), region.snap.within_m
    ways, sha256 = read_ways(path, region.service_area, within_m)
    return ways, {"file": path.name, "sha256": sha256, "within_m": within_m}


def _moved(
    region: Region, ways: Ways, tables: dict[str, pa.Table]
) -> tuple[dict[str, pa.Table], dict[str, int]]:
    """The tables with their ends on roads and docks, and how many of all ends are."""
    from tasks.synthesis.snapping import snap_tables

    snapped = snap_tables(region.service_area, ways, tables)
    get_run_logger().info("Moved %d of %d ends to roads and docks", snapped.moved, snapped.ends)
    return snapped.tables, {"all": snapped.ends, "moved": snapped.moved}


def _hash_of(model: Path) -> str | None:
    """The SHA-256 of the model's manifest, or None if the model is not finished."""
    path = model / MANIFEST
    return sha256_of(path) if path.exists() else None
