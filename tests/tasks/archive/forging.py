"""What a careful forger does to a release: change something and make all hashes fit again."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.files import write_manifest
from tasks.release.formats.sums import SUMS, write_sums
from tasks.release.tables import write_csv, write_parquet

Forge = Callable[[Path], None]


def manifest_of(release: Path) -> dict[str, Any]:
    return dict(json.loads((release / "manifest.json").read_bytes()))


def reseal(release: Path, **fields: Any) -> None:
    """Write sums and manifest anew: other fields, and the hashes of the files as they are now."""
    document = manifest_of(release) | fields
    files = document.pop("files")
    write_sums(release, [name for name in files if name != SUMS])
    write_manifest(release, document, files)


def rewritten(change: Callable[[str], str], name: str) -> Forge:
    """A document in which something is put differently."""

    def forge(release: Path) -> None:
        before = (release / name).read_text("utf-8")
        after = change(before)
        assert after != before
        (release / name).write_text(after, "utf-8")
        reseal(release)

    return forge


def with_rows(change: Callable[[pa.Table], pa.Table], table: str = "trips") -> Forge:
    """Other rows in Parquet and CSV; their number is stated as before."""

    def forge(release: Path) -> None:
        rows = change(pq.read_table(release / f"{table}.parquet"))
        write_parquet(rows, release / f"{table}.parquet")
        write_csv(rows, release / f"{table}.csv.gz")
        reseal(release)

    return forge


def with_counts(change: Callable[[pa.Table], pa.Table]) -> Forge:
    """Other noisy counts."""

    def forge(release: Path) -> None:
        path = release / "measurements.parquet"
        write_parquet(change(pq.read_table(path)), path)
        reseal(release)

    return forge


def with_fields(change: Callable[[dict[str, Any]], None]) -> Forge:
    """A manifest that says something else."""

    def forge(release: Path) -> None:
        document = manifest_of(release)
        change(document)
        reseal(release, **{key: value for key, value in document.items() if key != "files"})

    return forge


def column_set(table: pa.Table, name: str, row: int, value: float) -> pa.Table:
    """The table with one value replaced."""
    values = table[name].to_pylist()
    values[row] = value
    index, field = table.schema.get_field_index(name), table.schema.field(name)
    return table.set_column(index, field, pa.array(values, field.type))


def csv_of_other_rows(release: Path) -> None:
    path = release / "trips.csv.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[:-1] + lines[-2:-1]), mtime=0))
    reseal(release)
