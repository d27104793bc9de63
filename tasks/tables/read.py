"""Reading the rows of a file; every one of them meets the schema, or none is read.

What is refused is named by file, line and column. The value itself is not: it may be somebody's,
and messages go into logs.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.tables.columns import Column, Value
from tasks.tables.errors import TableError
from tasks.tables.table import PublicTable

_PARQUET = b"PAR1"


def read_rows(path: Path, table: PublicTable) -> pa.Table:
    """Read the rows of a file, CSV or Parquet.

    Args:
        path: A Parquet file; or a CSV file in UTF-8 with the table's separator, whose first line
            may be a header that names the columns, in any order and others among them. Without one
            it has the table's columns in the table's order. Spaces around values are stripped.
        table: The schema that all rows meet.

    Returns:
        The rows, with the columns of the table alone. Decimals are rounded to their places,
        and a time of a Parquet file is its day.

    Raises:
        TableError: If the file cannot be read, has no row, or lacks a column, or if a value is
            none of its column.
    """
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(_PARQUET)) == _PARQUET
        columns = _parquet(path, table) if is_parquet else _csv(path, table)
    except OSError as error:
        raise TableError(f"{path}: cannot read it: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        said = " ".join(str(error).split())
        raise TableError(f"{path}: neither a CSV file in UTF-8 nor Parquet: {said}") from error
    if not columns[0]:
        raise TableError(f"{path}: it has no rows; name a file that has some")
    arrays = [
        pa.array(values, column.type) for values, column in zip(columns, table.columns, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=table.arrow())


def _csv(path: Path, table: PublicTable) -> list[list[Value]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=table.separator, skipinitialspace=True, strict=True)
        lines = (
            (f"line {reader.line_num}", [cell.strip() for cell in cells])
            for cells in reader
            if cells
        )
        return _columns(path, table, lines)


def _columns(
    path: Path, table: PublicTable, lines: Iterator[tuple[str, list[str]]]
) -> list[list[Value]]:
    """The values of each column; of lines with the cells of each."""
    first = next(lines, None)
    columns: list[list[Value]] = [[] for _ in table.columns]
    if first is None:
        return columns
    if set(table.names).isdisjoint(first[1]):
        header, rows = list(table.names), _chained(first, lines)
    else:
        header, rows = first[1], lines
    places = _places(path, table, header)
    for where, cells in rows:
        if len(cells) != len(header):
            raise TableError(
                f"{path}: {where} has {len(cells)} values separated by {table.separator!r}, not "
                f"{len(header)}; correct it, or the schema {table.name}"
            )
        for column, place, values in zip(table.columns, places, columns, strict=True):
            values.append(_value(path, where, column, cells[place]))
    return columns


def _chained(
    first: tuple[str, list[str]], rest: Iterable[tuple[str, list[str]]]
) -> Iterator[tuple[str, list[str]]]:
    yield first
    yield from rest


def _places(path: Path, table: PublicTable, header: Sequence[str]) -> list[int]:
    """Where the table's columns stand among those of the file."""
    for name in table.names:
        if header.count(name) != 1:
            fault = "twice" if name in header else "not there"
            raise TableError(
                f"{path}: column {name!r} is {fault}; the file has {', '.join(header)}; correct "
                f"its header, or the schema {table.name}"
            )
    return [header.index(name) for name in table.names]


def _parquet(path: Path, table: PublicTable) -> list[list[Value]]:
    with pq.ParquetFile(path) as file:
        _places(path, table, file.schema_arrow.names)
        rows = file.read(columns=list(table.names))
    return [
        [
            _value(path, f"row {row}", column, "" if value is None else str(value))
            for row, value in enumerate(_as_list(rows[column.name]), start=1)
        ]
        for column in table.columns
    ]


def _as_list(values: pa.ChunkedArray) -> list[Any]:
    """As Python's values; a time is its day."""
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.date32(), safe=False)
    return list(values.to_pylist())


def _value(path: Path, where: str, column: Column, text: str) -> Value:
    value = column.parse(text)
    if value is None:
        raise TableError(
            f"{path}: {where}, column {column.name!r}: not {column.allowed}; correct the value, "
            "or the schema"
        )
    return value
