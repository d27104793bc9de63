"""Row-by-row quarantine of a private Parquet file: broken rows go aside, the rest goes on.

At every instant the manifest names only whole files:

1. the broken rows are written to `<name>.quarantine.parquet`;
2. the manifest stops naming `<name>.parquet`;
3. the file without those rows takes the old one's place;
4. the caller writes the manifest that names both again.

A run that was cut off anywhere is simply run again: up to 3 it finds the same rows, after 3 none.
"""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from expectations.errors import CheckError
from expectations.suite import Suite, columns_of, passes, validate
from tasks.files import fsync_directory, read_manifest, write_manifest

BATCH_ROWS = 250_000
"""Rows that Great Expectations sees at a time; bounds memory."""
REASON = pa.field("reason", pa.string(), False, {"description": "Expectations it breaks."})
SEPARATOR = "; "


@dataclass(frozen=True)
class Findings:
    """What was found in one file: counts only, for staff.

    Attributes:
        rows: Rows looked at.
        quarantined: Rows set aside; a row that breaks several expectations counts once.
        reasons: Broken expectations, with the number of rows that break each.
    """

    rows: int
    quarantined: int
    reasons: dict[str, int]


def quarantine(directory: Path, name: str, schema_suite: Suite, row_suite: Suite) -> Findings:
    """Check one file of a finished private directory and set its broken rows aside.

    Args:
        directory: A directory with a manifest.
        name: The file's name, ending in `.parquet`.
        schema_suite: Expectations on its columns and their types.
        row_suite: Expectations on single rows.

    Returns:
        Counts. If rows were set aside, they lie in `quarantine_name(name)` with a further column
        `reason`, and the caller must write a manifest that names both files.

    Raises:
        CheckError: If the file's columns are not those of its schema, which is a fault of the
            code that wrote it, whatever the day was.
    """
    path, aside = directory / name, directory / quarantine_name(name)
    with pq.ParquetFile(path) as file:
        _check_schema(path, file.schema_arrow, schema_suite)
        broken = _broken_groups(file, row_suite)
        if broken:
            kept, set_aside = _split(file, path, broken, row_suite)
    if broken:
        set_aside.replace(aside)
        _stop_naming(directory, name)
        kept.replace(path)
        fsync_directory(directory)
    return _findings(path, aside)


def quarantine_name(name: str) -> str:
    """Name of the file that holds the rows set aside.

    Examples:
        >>> quarantine_name("trips.parquet")
        'trips.quarantine.parquet'
    """
    return name.removesuffix(".parquet") + ".quarantine.parquet"


def _check_schema(path: Path, schema: pa.Schema, suite: Suite) -> None:
    failures = validate(schema.empty_table().to_pandas(), suite)
    if failures:
        raise CheckError(
            f"{path}: {failures[0].line()}; another version wrote this file, make it again"
        )


def _broken_groups(file: pq.ParquetFile, suite: Suite) -> set[int]:
    """The row groups with a row that breaks an expectation."""
    columns = columns_of(suite)
    return {
        group
        for group in range(file.num_row_groups)
        if any(
            _is_broken(batch.to_pandas(), suite)
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns)
        )
    }


def _is_broken(frame: pd.DataFrame, suite: Suite) -> bool:
    # The quick look may also fail for want of rows.
    return len(frame) > 0 and not passes(frame, suite) and bool(validate(frame, suite))


def _split(file: pq.ParquetFile, path: Path, broken: set[int], suite: Suite) -> tuple[Path, Path]:
    """Write the good and the broken rows to two new durable files.

    Rows keep their order and stay in their row group, so that a vehicle that was in one row group
    still is.
    """
    kept, aside = (path.with_name(f".{path.name}.{part}.tmp") for part in ("kept", "aside"))
    schema = file.schema_arrow
    with (
        pq.ParquetWriter(kept, schema, compression="zstd") as good,
        pq.ParquetWriter(aside, schema.append(REASON), compression="zstd") as bad,
    ):
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            if group in broken:
                reasons = _reasons(rows, suite)
                broken_rows = rows.filter(pc.is_valid(reasons))
                bad.write_table(broken_rows.append_column(REASON, reasons.drop_null()))
                rows = rows.filter(pc.is_null(reasons))
            good.write_table(rows, row_group_size=max(rows.num_rows, 1))
    for written in (kept, aside):
        with written.open("rb") as handle:
            os.fsync(handle.fileno())
    return kept, aside


def _reasons(rows: pa.Table, suite: Suite) -> pa.Array:
    """For each row the expectations that it breaks, null where it breaks none."""
    reasons: dict[int, list[str]] = {}
    columns = columns_of(suite)
    for start in range(0, rows.num_rows, BATCH_ROWS):
        frame = rows.slice(start, BATCH_ROWS).select(columns).to_pandas()
        for failure in validate(frame, suite):
            for row in failure.rows:
                reasons.setdefault(start + row, []).append(failure.reason)
    text = np.full(rows.num_rows, None, dtype=object)
    for row, named in reasons.items():
        text[row] = SEPARATOR.join(dict.fromkeys(named))
    return pa.array(text, REASON.type)


def _stop_naming(directory: Path, name: str) -> None:
    manifest = read_manifest(directory) or {}
    files = [named for named in manifest.pop("files", {}) if named != name]
    write_manifest(directory, manifest, files)


def _findings(path: Path, aside: Path) -> Findings:
    rows = pq.read_metadata(path).num_rows
    if not aside.exists():
        return Findings(rows, 0, {})
    reasons: Counter[str] = Counter()
    column = pq.read_table(aside, columns=[REASON.name])[REASON.name]
    for entry in pc.value_counts(column).to_pylist():
        for reason in entry["values"].split(SEPARATOR):
            reasons[reason] += entry["counts"]
    return Findings(rows + len(column), len(column), dict(sorted(reasons.items())))
