"""Schemas and rows for property tests: small, so that bounds and spellings are met often."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from tasks.tables import (
    CategoryColumn,
    Column,
    DateColumn,
    DecimalColumn,
    IntegerColumn,
    PublicTable,
    TextColumn,
)

DAYS = st.dates(dt.date(1899, 11, 1), dt.date(1904, 4, 1)) | st.dates()


@st.composite
def integers(draw: st.DrawFn, name: str) -> IntegerColumn:
    low, high = sorted(draw(st.tuples(*[st.integers(-1200, 1200)] * 2)))
    return IntegerColumn(name=name, minimum=low, maximum=high)


@st.composite
def decimals(draw: st.DrawFn, name: str) -> DecimalColumn:
    places = draw(st.integers(1, 3))
    low, high = sorted(draw(st.tuples(*[st.integers(-20_000, 20_000)] * 2)))
    unit = Decimal(1).scaleb(-places)
    return DecimalColumn(
        name=name, minimum=float(low * unit), maximum=float(high * unit), places=places
    )


@st.composite
def dates(draw: st.DrawFn, name: str) -> DateColumn:
    first, last = sorted(draw(st.tuples(DAYS, DAYS)))
    return DateColumn(name=name, minimum=first, maximum=last)


@st.composite
def categories(draw: st.DrawFn, name: str) -> CategoryColumn:
    texts = st.text("ab-1 é", min_size=1, max_size=4).filter(lambda text: text == text.strip())
    return CategoryColumn(
        name=name, values=tuple(draw(st.lists(texts, min_size=1, max_size=6, unique=True)))
    )


@st.composite
def texts(draw: st.DrawFn, name: str) -> TextColumn:
    fewest, most = sorted(draw(st.tuples(*[st.integers(0, 4)] * 2)))
    alphabet = draw(st.sampled_from(["A", "01", "AB ", "xé-", "Az09"]))
    return TextColumn(name=name, alphabet=alphabet, min_length=fewest, max_length=max(most, 1))


def columns(name: str) -> st.SearchStrategy[Column]:
    return st.one_of(integers(name), decimals(name), dates(name), categories(name), texts(name))


@st.composite
def tables(draw: st.DrawFn) -> PublicTable:
    return PublicTable(
        name="drawn",
        columns=tuple(draw(columns(f"c{index}")) for index in range(draw(st.integers(1, 3)))),
        separator=draw(st.sampled_from([",", "|"])),
    )


def values(column: Column) -> st.SearchStrategy[Any]:
    match column:
        case IntegerColumn():
            return st.integers(column.minimum, column.maximum)
        case DecimalColumn():
            return st.decimals(
                Decimal(repr(column.minimum)), Decimal(repr(column.maximum)), places=column.places
            ).map(lambda value: float(value) + 0.0)
        case DateColumn():
            return st.dates(column.minimum, column.maximum)
        case CategoryColumn():
            return st.sampled_from(column.values)
        case TextColumn():
            return st.text(
                column.alphabet, min_size=column.min_length, max_size=column.max_length
            ).filter(lambda text: text == text.strip(" "))


def rows(table: PublicTable) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(*map(values, table.columns))


def arrow(table: PublicTable, drawn: list[tuple[Any, ...]]) -> pa.Table:
    return pa.Table.from_pylist(
        [dict(zip(table.names, row, strict=True)) for row in drawn], schema=table.arrow()
    )
