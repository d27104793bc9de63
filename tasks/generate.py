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
from tasks.step import step


@step("generate-{region.id}-{day}", reads=[exchange.model])
def generate(region: Region, day: dt.date) -> dict[str, Any]:
    """Sample the day's synthetic tables from its stored model; post-processing, charged nothing.

    Args:
        region: The region.
        day: The service day; its model is trained.

    Returns:
        The manifest of the synthetic day's directory: the rows of each table and the model's
        manifest hash.

    Raises:
        ModelFileError: If the day has no trained model.
        FileError: If a file is missing or altered.
    """
    layout = Layout.from_environment()
    directory = layout.synthetic(region.id, day)
    model = layout.model(region.id, day)
    finished = read_manifest(directory)
    if finished is not None and finished["model_manifest"] == _hash_of(model):
        verify_files(directory, finished)
        return finished
    from tasks.synthesis.draw import draw_tables

    tables = draw_tables(model)
    rows = {name: table.num_rows for name, table in tables.items()}
    said = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in rows.items())
    get_run_logger().info("Generated %s", said)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MANIFEST).unlink(missing_ok=True)
    for name, table in tables.items():
        content = pa.BufferOutputStream()
        pq.write_table(table, content)
        write_atomically(directory / f"{name}.parquet", content.getvalue().to_pybytes())
    fields = {
        "region": region.id,
        "day": day.isoformat(),
        "rows": rows,
        "model_manifest": _hash_of(model),
    }
    write_manifest(directory, fields, [f"{name}.parquet" for name in tables])
    manifest = read_manifest(directory)
    assert manifest is not None
    return manifest


def _hash_of(model: Path) -> str | None:
    """The SHA-256 of the model's manifest, or None if the model is not finished."""
    path = model / MANIFEST
    return sha256_of(path) if path.exists() else None
