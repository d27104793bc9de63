"""The published rows as files whose bytes depend on the rows alone."""

import gzip
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
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
    """Write CSV; where the name ends in gz, compressed by gzip without name or time.

    The dialect: UTF-8, a header, comma, line feed, point as decimal mark, text in double quotes,
    and no text that a spreadsheet takes for a formula (`inert`).
    """
    options = pyarrow.csv.WriteOptions(quoting_style="needed", quoting_header="none")
    with path.open("wb") as file, _packed(file) if path.suffix == ".gz" else file as written:
        pyarrow.csv.write_csv(inert(table), written, options)


def _packed(file: BinaryIO) -> gzip.GzipFile:
    """A file to write to that is compressed into another, without name or time."""
    return gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=9, mtime=0)


def inert(table: pa.Table) -> pa.Table:
    """The table with an apostrophe before every text that a spreadsheet would run as a formula.

    Spreadsheets run what begins with = + - @, a tabulator or a carriage return (OWASP, "CSV
    Injection"). Names of areas and ids of places begin with a letter or digit, so nothing of a
    release is changed by this.

    Examples:
        >>> inert(pa.table({"area": ["north", "=1+1", "+1"], "hour": [1, -2, 3]})).to_pydict()
        {'area': ['north', "'=1+1", "'+1"], 'hour': [1, -2, 3]}
    """
    for index, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            safe = pc.replace_substring_regex(table[index], r"\A([=+\-@\t\r])", r"'\1")
            table = table.set_column(index, field, safe)
    return table
