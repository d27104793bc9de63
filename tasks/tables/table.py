"""A table that is described in public: its columns, and the lines of text that its rows are."""

from collections import Counter
from functools import cached_property
from typing import Self

import pyarrow as pa
from pydantic import Field, model_validator

from tasks.region.model import Identifier
from tasks.region.settings import Settings
from tasks.tables.columns import Column


class PublicTable(Settings):
    """The schema of a table, all of it public and none of it learnt from the rows.

    A row is one line: the texts of its values in the order of the columns, with a separator
    between them. A guarantee holds among tables that meet their schema.

    Examples:
        >>> table = PublicTable.model_validate({
        ...     "name": "rides",
        ...     "columns": [
        ...         {"kind": "integer", "name": "hour", "minimum": 0, "maximum": 23},
        ...         {"kind": "category", "name": "area", "values": ["east", "west"]},
        ...     ],
        ... })
        >>> table.alphabet, table.line_length
        (',0123456789aestw', 7)
    """

    name: Identifier
    description: str = Field("", max_length=1000, description="What a row is, for people.")
    columns: tuple[Column, ...] = Field(
        min_length=1, max_length=200, description="The columns, in the order of a line."
    )
    separator: str = Field(
        ",",
        pattern=r"^[^\s\"]$",
        description="The character between two values of a line; no value holds it.",
    )

    @model_validator(mode="after")
    def _columns_are_told_apart(self) -> Self:
        names = Counter(column.name for column in self.columns)
        for name, times in names.items():
            if times > 1:
                raise ValueError(f"column {name!r} stands twice; give each its own name")
        for column in self.columns:
            if self.separator in column.name:
                raise ValueError(
                    f"column {column.name!r}: its name holds the separator {self.separator!r}; "
                    "take another name, or another separator"
                )
            if self.separator in column.characters:
                raise ValueError(
                    f"column {column.name!r}: its values may hold the separator "
                    f"{self.separator!r}; take another separator"
                )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def alphabet(self) -> str:
        """Every character that a line can hold, sorted, the separator among them."""
        characters = frozenset[str]().union(*(column.characters for column in self.columns))
        return "".join(sorted(characters | {self.separator}))

    @cached_property
    def line_length(self) -> int:
        """Characters of the longest line."""
        return sum(column.longest for column in self.columns) + len(self.columns) - 1

    def arrow(self) -> pa.Schema:
        """The Arrow schema; no value of a row is missing."""
        about = {"table": self.name, "description": self.description}
        return pa.schema([column.arrow() for column in self.columns], about)
