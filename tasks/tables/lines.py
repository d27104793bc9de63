"""Rows as lines of text, and lines as rows."""

from collections.abc import Iterable

import pyarrow as pa

from tasks.tables.columns import Value
from tasks.tables.table import PublicTable


def to_lines(rows: pa.Table, table: PublicTable) -> list[str]:
    """One line for each row.

    Args:
        rows: Rows of the table, as `read_rows` or a simulator makes them.
        table: Their schema.

    Raises:
        KeyError: If the rows lack a column.
    """
    texts = (map(column.write, rows[column.name].to_pylist()) for column in table.columns)
    return list(map(table.separator.join, zip(*texts, strict=True)))


def read_line(line: str, table: PublicTable) -> tuple[Value, ...] | None:
    """The values of a line; None if it is not the line of a row of the table.

    Examples:
        >>> table = PublicTable.model_validate({
        ...     "name": "rides",
        ...     "columns": [
        ...         {"kind": "integer", "name": "hour", "minimum": 0, "maximum": 23},
        ...         {"kind": "category", "name": "area", "values": ["east", "west"]},
        ...     ],
        ... })
        >>> read_line("7,west", table), read_line("7,north", table), read_line("7", table)
        ((7, 'west'), None, None)
    """
    texts = line.split(table.separator)
    if len(texts) != len(table.columns):
        return None
    values = []
    for text, column in zip(texts, table.columns, strict=True):
        value = column.read(text)
        if value is None:
            return None
        values.append(value)
    return tuple(values)


def from_lines(lines: Iterable[str], table: PublicTable) -> pa.Table:
    """The rows of the lines that are valid, in their order; the others are left out."""
    rows = [row for row in (read_line(line, table) for line in lines) if row is not None]
    columns = zip(*rows, strict=True) if rows else [()] * len(table.columns)
    arrays = [
        pa.array(values, column.type) for values, column in zip(columns, table.columns, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=table.arrow())


def to_csv(rows: pa.Table, table: PublicTable) -> bytes:
    """The rows as a CSV file with a header, which `read_rows` reads back; no text needs quotes."""
    lines = [table.separator.join(table.names), *to_lines(rows, table)]
    return "".join(f"{line}\n" for line in lines).encode()
