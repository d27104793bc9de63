"""Simulated tables that runs are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np
import pyarrow as pa

from tasks.quality import fields, trends
from tasks.quality.columns import Kind
from tasks.simulated.incomes import INCOMES, incomes
from tasks.simulated.ratings import RATINGS, ratings
from tasks.tables import PublicTable, TextColumn, from_lines, read_line

LINE = "line"
"""The one column of rows as they are drawn: lines, valid or not."""
TABLES: Mapping[str, tuple[PublicTable, Callable[[int, int], pa.Table]]] = {
    "ratings": (RATINGS, ratings),
    "incomes": (INCOMES, incomes),
}
"""What is simulated, by name: the schema, and what makes rows of a number and a seed."""


@dataclass(frozen=True)
class TableDay:
    """Rows that may be looked at as often as one likes.

    Attributes:
        table: Their public schema.
        real: The rows.
        seed: Drew them.
    """

    table: PublicTable
    real: pa.Table
    seed: int

    @classmethod
    def simulated(cls, name: str, rows: int, seed: int) -> Self:
        """A simulated table."""
        table, simulate = TABLES[name]
        return cls(table, simulate(rows, seed), seed)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.real.num_rows)

    def valid_share(self, rows: pa.Table) -> float:
        """Share of lines that the schema reads, 0 to 1."""
        lines = rows[LINE].to_pylist()
        return sum(read_line(line, self.table) is not None for line in lines) / max(1, len(lines))

    def figures(self, rows: pa.Table) -> dict[str, float]:
        """How close the valid lines are; see `tasks.search.model.TableFigure`.

        Where no line is valid, distances are 1.
        """
        synthetic = from_lines(rows[LINE].to_pylist(), self.table)
        valid = self.valid_share(rows)
        if not synthetic.num_rows:
            return {"valid": valid, "columns": 1.0, "column_pairs": 1.0}
        kinds = _kinds(self.table)
        alike = [fields.similarity(self.real, synthetic, *each) for each in kinds.items()]
        paired = [
            trends.similarity(self.real, synthetic, pair, kinds)
            for pair in combinations([name for name, kind in kinds.items() if kind != "text"], 2)
        ]
        return {
            "valid": valid,
            "columns": float(1 - np.mean(alike)),
            "column_pairs": float(1 - np.nanmean(paired)) if len(paired) else 0.0,
        }


def _kinds(table: PublicTable) -> dict[str, Kind]:
    """What columns are compared as."""
    kinds: dict[str, Kind] = {}
    for column in table.columns:
        if isinstance(column, TextColumn):
            kinds[column.name] = "text"
        else:
            kinds[column.name] = "category" if column.kind == "category" else "number"
    return kinds
