"""What the columns of any table hold, and their values as arrays."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.quality.errors import QualityError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Kind = Literal["number", "category", "text"]
"""Numbers have distances, dates among them; a category is one of few values; of text only the
length is compared."""
Kinds = Mapping[str, Kind]
"""The columns that are compared, in their order, each with what it holds."""


def kinds_of(schema: pa.Schema) -> dict[str, Kind]:
    """What columns hold by their Arrow types; strings are taken for categories.

    Raises:
        QualityError: If a column is neither a number, a date, a time, a truth value nor a string.

    Examples:
        >>> kinds_of(pa.schema({"hour": pa.int8(), "day": pa.date32(), "area": pa.string()}))
        {'hour': 'number', 'day': 'number', 'area': 'category'}
    """
    return {field.name: _kind(field) for field in schema}


def _kind(field: pa.Field) -> Kind:
    kind = field.type
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_boolean(kind):
        return "category"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "number"
    raise QualityError(f"column {field.name} is of type {kind}, which cannot be compared")


def numbers(table: pa.Table, name: str) -> Floats:
    """A column's numbers, shape (n,); dates in days since 1970, times in their own unit.

    Raises:
        QualityError: If the column is missing or holds nulls.

    Examples:
        >>> numbers(pa.table({"day": pa.array([19, 20], pa.date32())}), "day").tolist()
        [19.0, 20.0]
    """
    column = _whole(table, name)
    if pa.types.is_date(column.type):
        column = column.cast(pa.date32()).cast(pa.int32())
    elif pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return np.asarray(column.cast(pa.float64()).to_numpy())


def lengths(table: pa.Table, name: str) -> Floats:
    """The lengths of a column's texts, shape (n,), characters.

    Raises:
        QualityError: If the column is missing or holds nulls.
    """
    return np.asarray(pc.utf8_length(_whole(table, name)).to_numpy(), np.float64)


def measured(table: pa.Table, name: str, kind: Kind) -> Floats:
    """What is compared of a number, or of a text: its value, or its length; shape (n,)."""
    return lengths(table, name) if kind == "text" else numbers(table, name)


def codes(real: pa.Table, other: pa.Table, name: str) -> tuple[Integers, Integers, list[str]]:
    """The categories of a column in two tables as numbers from 0, and what each stands for.

    Returns:
        Codes of either table, shape (n,), and the categories of both, sorted.

    Raises:
        QualityError: If the column is missing or holds nulls.

    Examples:
        >>> codes(pa.table({"sex": ["m", "f"]}), pa.table({"sex": ["m", "x"]}), "sex")
        (array([1, 0]), array([1, 2]), ['f', 'm', 'x'])
    """
    values = [_whole(table, name).cast(pa.string()).combine_chunks() for table in (real, other)]
    known = pc.unique(pa.concat_arrays(values))
    known = known.take(pc.sort_indices(known))
    found = (pc.index_in(column, known).to_numpy().astype(np.int64) for column in values)
    return next(found), next(found), known.to_pylist()


def _whole(table: pa.Table, name: str) -> pa.ChunkedArray:
    """A column that every row has."""
    if name not in table.column_names:
        raise QualityError(f"the table has no column {name}; compare tables of the same columns")
    column = table[name]
    if column.null_count:
        raise QualityError(f"{column.null_count} rows have no {name}; set them aside beforehand")
    return column
