"""The Prefect task `imitate`: a table's model in, synthetic rows with their card out."""

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from tasks.files import (
    FileError,
    Layout,
    read_manifest,
    sha256_of,
    verify_files,
    write_atomically,
    write_manifest,
)
from tasks.files.manifest import MANIFEST
from tasks.step import step
from tasks.tables import NOT_PRIVATE, Synthesis, to_csv

CARD = "README.md"


@step("imitate-{synthesis.name}")
def imitate(synthesis: Synthesis) -> dict[str, Any]:
    """Draw synthetic rows from the model of a table; post-processing, charged nothing.

    Args:
        synthesis: The table; its model is trained.

    Returns:
        The manifest of the rows' directory: CSV, Parquet and card. What was made without a
        guarantee says so there, in both files' names and in the card.

    Raises:
        FileError: If the model is missing, or a file was altered.
        ModelFileError: If the model cannot be read.
        TableError: If hardly any line of the model is a row of the table.
    """
    layout = Layout.from_environment()
    directory, model = layout.table_rows(synthesis.name), layout.table_model(synthesis.name)
    trained = read_manifest(model)
    if trained is None:
        raise FileError(f"{model}: no trained model; train it first")
    verify_files(model, trained)
    settings = synthesis.synthesizer
    rows = synthesis.rows or int(trained["records"])
    made_of = {
        "model_manifest": sha256_of(model / MANIFEST),
        "rows": rows,
        "temperature": settings.temperature,
        "well_formed_only": settings.well_formed_only,
    }
    finished = read_manifest(directory)
    if finished is not None and made_of.items() <= finished.items():
        verify_files(directory, finished)
        return finished
    from tasks.synthesis.any_table import card_of, draw_rows

    drawn = draw_rows(model, settings, rows)
    get_run_logger().info(
        "Drew %d rows; %.1f %% of %d lines were valid",
        drawn.rows.num_rows,
        100 * drawn.validity,
        drawn.lines,
    )
    privacy = trained["privacy"]
    stem = synthesis.name if privacy != NOT_PRIVATE else f"{synthesis.name}.not-private"
    card = card_of(synthesis, drawn, trained)
    (directory / MANIFEST).unlink(missing_ok=True)
    contents = {
        f"{stem}.csv": to_csv(drawn.rows, synthesis.table),
        f"{stem}.parquet": _parquet(drawn.rows, privacy),
        CARD: card.encode(),
    }
    for name, content in contents.items():
        write_atomically(directory / name, content)
    fields = {
        "synthesis": synthesis.name,
        "table": synthesis.table.model_dump(mode="json"),
        "synthesizer": settings.model_dump(mode="json"),
        "privacy": privacy,
        "records": trained["records"],
        **made_of,
        "lines_drawn": drawn.lines,
        "lines_valid": drawn.valid,
        "code_version": trained["code_version"],
        "versions": trained["versions"],
    }
    write_manifest(directory, fields, contents)
    create_markdown_artifact(
        card, key=f"table-{synthesis.name}".replace("_", "-"), description=f"Rows in {directory}"
    )
    manifest = read_manifest(directory)
    assert manifest is not None
    return manifest


def _parquet(rows: pa.Table, privacy: Any) -> bytes:
    """The rows as a Parquet file whose metadata say what is promised."""
    metadata = {**(rows.schema.metadata or {}), "privacy": json.dumps(privacy)}
    content = pa.BufferOutputStream()
    pq.write_table(rows.replace_schema_metadata(metadata), content, compression="zstd")
    return bytes(content.getvalue().to_pybytes())
