"""Rows from a table's model: post-processing of it, charged nothing."""

import math
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tasks.synthesis.char_lstm import load_char_network, sample_lines
from tasks.tables import CharLstm, Grammar, TableError, from_lines

_LEAST_VALID = 0.01
_JUDGED_AFTER = 2_000


@dataclass(frozen=True)
class Drawn:
    """Synthetic rows, and how many lines they took.

    Attributes:
        rows: The rows, all of them valid.
        lines: Lines drawn.
        valid: Lines among them that are rows of the table; a few of them may be left over.
    """

    rows: pa.Table
    lines: int
    valid: int

    @property
    def validity(self) -> float:
        """Share of the lines that are rows of the table."""
        return self.valid / self.lines


def draw_rows(model: Path, settings: CharLstm, rows: int) -> Drawn:
    """Draw lines until so many of them are rows of the table.

    Args:
        model: The directory of the trained model.
        settings: `temperature` and `well_formed_only` are used here.
        rows: How many, >= 1.

    Raises:
        ModelFileError: If the model cannot be read.
        TableError: If hardly any line is a row.
    """
    trained = load_char_network(model)
    table = trained.network.table
    grammar = Grammar.of(table) if settings.well_formed_only else None
    parts: list[pa.Table] = []
    lines = valid = 0
    while valid < rows:
        share = max(valid / lines, 0.05) if lines else 1.0
        drawn = sample_lines(
            trained.network,
            trained.weights,
            math.ceil((rows - valid) / share),
            temperature=settings.temperature,
            grammar=grammar,
        )
        parts.append(from_lines(drawn, table))
        lines += len(drawn)
        valid += parts[-1].num_rows
        if lines >= _JUDGED_AFTER and valid < _LEAST_VALID * lines:
            raise TableError(
                f"{valid:,} of {lines:,} drawn lines are rows of table {table.name}; train longer, "
                "lower the temperature, or set well_formed_only: true"
            )
    return Drawn(pa.concat_tables(parts).slice(0, rows), lines, valid)
