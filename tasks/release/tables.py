"""The published rows as files whose bytes depend on the rows alone."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tasks.schema import MODELLED_TRIPS, RELEASE, RELEASE_ENDS, RELEASE_STARTS

SCHEMAS = {"trips": RELEASE} | {t.name: t for t in (RELEASE_STARTS, RELEASE_ENDS, MODELLED_TRIPS)}
"""The schema of every table that a release may have, by its name."""
PARQUET = "trips.parquet"
MODELLED = "modelled_trips.parquet"


def published_table(rows: pa.Table, name: str = "trips") -> pa.Table:
    """The rows in the published order and with the published schema.

    Sorted by every column from left to right: the order carries no information, and both files
    become smaller.

    Args:
        rows: Columns as the schema of that name, any order of rows.
        name: Name of the table, one of `SCHEMAS`.
    """
    schema = SCHEMAS[name]
    table = rows.select(list(schema.names)).cast(schema.arrow())
    return table.sort_by([(column, "ascending") for column in schema.names])


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write Parquet, compressed by zstd; the schema carries units and descriptions."""
    pq.write_table(table, path, compression="zstd")


def write_csv(table: pa.Table, path: Path) -> None:
    """Write CSV, compressed by gzip without name or time.

    The dialect: UTF-8, a header, comma, line feed, point as decimal mark, text in double quotes.
    """
    options = pyarrow.csv.WriteOptions(quoting_style="needed", quoting_header="none")
    with (
        path.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=9, mtime=0) as packed,
    ):
        pyarrow.csv.write_csv(table, packed, options)
