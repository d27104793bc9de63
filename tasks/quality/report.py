"""The quality report of any table: every figure of the synthetic rows beside its references.

A report is made of real rows, so it is internal and never published (rule 9).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.quality.adherence import adherence
from tasks.quality.classifiers import told_apart
from tasks.quality.columns import Floats, Kinds, codes, kinds_of, measured
from tasks.quality.components import Components, components
from tasks.quality.fields import Field, fields
from tasks.quality.references import Beside, Compared
from tasks.quality.score import Scores
from tasks.quality.trends import Trend, trends


@dataclass(frozen=True)
class Figure:
    """A number beside its references.

    Attributes:
        name: In small letters, as the file of a report has it.
        title: For people.
        best: The value that two equal tables come to, or that nothing can exceed.
        value: The number and its references.
    """

    name: str
    title: str
    best: float
    value: Beside


@dataclass(frozen=True)
class Report:
    """What a comparison of synthetic with real rows found; private.

    Attributes:
        training_rows: Number of training rows.
        rows: Number of rows of each table that is compared with them.
        scores: Overall.
        figures: Beyond the score.
        fields: Column by column.
        trends: Pair by pair.
        components: None where fewer than two columns vary.
    """

    training_rows: int
    rows: int
    scores: Scores
    figures: tuple[Figure, ...]
    fields: tuple[Field, ...]
    trends: tuple[Trend, ...]
    components: Components | None

    def document(self) -> dict[str, Any]:
        """The figures as plain values for a file; without the shares of bars and without points."""
        return {
            "training_rows": self.training_rows,
            "rows": self.rows,
            "score": {
                name: {
                    "overall": each.overall,
                    "grade": each.grade,
                    "column_shapes": each.shapes,
                    "column_pair_trends": _known(each.trends),
                }
                for name, each in vars(self.scores).items()
            },
            "figures": {figure.name: _values(figure.value) for figure in self.figures},
            "columns": {field.name: _values(field.similarity) for field in self.fields},
            "pairs": {" ".join(each.names): _values(each.similarity) for each in self.trends},
        }


def report_of(compared: Compared, kinds: Kinds, figures: tuple[Figure, ...]) -> Report:
    """The parts that every table has, and figures of its own.

    Args:
        compared: The tables.
        kinds: The columns that are compared.
        figures: What is known of such a table beyond its columns and pairs.

    Raises:
        QualityError: If a column is missing or has nulls.
    """
    columns, pairs = fields(compared, kinds), trends(compared, kinds)
    found = components(compared, kinds)
    deep = () if found is None else (_deep(found),)
    return Report(
        len(compared.training),
        len(compared.synthetic),
        Scores.of(columns, pairs),
        (*figures, *deep),
        columns,
        pairs,
        found,
    )


def assess_table(
    training: pa.Table,
    synthetic: pa.Table,
    held_out: pa.Table,
    kinds: Kinds | None = None,
    *,
    valid: Callable[[pa.Table], float] | None = None,
    seed: int = 0,
) -> Report:
    """Report on the synthetic rows of any table.

    Args:
        training: The rows that the synthetic ones were made of.
        synthetic: The rows of a model.
        held_out: Real rows that the model has not seen.
        kinds: The columns that are compared. Default: all, by their Arrow types.
        valid: Share of the rows of a table that are valid. Default: of those that keep to the
            values of the training rows, see `adherence`.
        seed: Of the draws.

    Raises:
        QualityError: If a table is empty, lacks a column or has nulls.
    """
    compared = Compared.of(training, synthetic, held_out, seed)
    known = kinds_of(training.schema) if kinds is None else kinds

    def validity(real: pa.Table, other: pa.Table) -> float:
        return adherence(real, other, known) if valid is None else valid(other)

    def apart(real: pa.Table, other: pa.Table) -> float:
        return told_apart(*_seen(real, other, known), seed)

    figures = (
        Figure("auc", "Told apart by trees (AUC)", 0.5, compared.each(apart, copies=False)),
        Figure("valid", "Valid rows", 1.0, compared.each(validity)),
    )
    return report_of(compared, known, figures)


def _deep(found: Components) -> Figure:
    return Figure("components", "Principal components, similarity", 1.0, found.similarity)


def _seen(real: pa.Table, other: pa.Table, kinds: Kinds) -> tuple[Floats, Floats]:
    """What trees see of either table, shape (n, columns): categories by their codes."""
    columns: list[tuple[Floats, Floats]] = []
    for name, kind in kinds.items():
        if kind == "category":
            known, found, _ = codes(real, other, name)
            columns.append((known.astype(np.float64), found.astype(np.float64)))
        else:
            columns.append((measured(real, name, kind), measured(other, name, kind)))
    first, second = (np.column_stack([column[side] for column in columns]) for side in (0, 1))
    return first, second


def _values(beside: Beside) -> Mapping[str, float | None]:
    return {name: _known(value) for name, value in vars(beside).items()}


def _known(value: float | None) -> float | None:
    """JSON has no NaN."""
    return None if value is None or math.isnan(value) else value
