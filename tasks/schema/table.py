"""What a table declaration is: columns with type, unit, public bounds and description."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: Name in every file and on every page.
        type: Arrow type of the values.
        description: One sentence for people.
        unit: Unit of the values, in words or as a symbol; None where there is none.
        minimum: Smallest valid value, a public constant.
        maximum: Largest valid value, a public constant.
        categories: All valid values of a categorical column, a public constant.
        nullable: Whether a row may leave the value out.
    """

    name: str
    type: pa.DataType
    description: str
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None
    nullable: bool = False

    def arrow(self) -> pa.Field:
        """The Arrow field, which carries description and unit as metadata."""
        metadata = {"description": self.description}
        if self.unit is not None:
            metadata["unit"] = self.unit
        return pa.field(self.name, self.type, self.nullable, metadata)


@dataclass(frozen=True)
class Table:
    """A table: its name, what a row is, and its columns.

    Examples:
        >>> hour = Column("hour", pa.int8(), "Hour of the day.", "h", 0, 23)
        >>> table = Table("example", "One row per hour.", 1, (hour,))
        >>> table.names
        ('hour',)
        >>> table.arrow().field("hour").metadata[b"unit"]
        b'h'
    """

    name: str
    description: str
    version: int
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: If the table has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name}")

    def arrow(self) -> pa.Schema:
        """The Arrow schema; its metadata name the table, what a row is, and this version of it."""
        about = {
            "table": self.name,
            "description": self.description,
            "schema_version": str(self.version),
        }
        return pa.schema([column.arrow() for column in self.columns], about)
