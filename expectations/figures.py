"""Figures of a whole table, each expected within public bounds."""

from collections.abc import Sequence
from dataclasses import dataclass

import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.suite import Outcome, evaluate


@dataclass(frozen=True)
class Figure:
    """One number that says something of a whole table.

    Attributes:
        name: What it is, in words.
        value: The number, finite.
        at_most: The largest that is expected.
        at_least: The smallest, if there is one.
        severity: Of a value outside.
    """

    name: str
    value: float
    at_most: float
    at_least: float | None = None
    severity: FailureSeverity = FailureSeverity.WARNING


def evaluate_figures(figures: Sequence[Figure]) -> list[Outcome]:
    """What came of each figure, in their order."""
    if not figures:
        return []
    # Of a table of one row the largest value is the only one, and the result names it.
    row = pd.DataFrame({figure.name: [float(figure.value)] for figure in figures})
    suite = [
        gxe.ExpectColumnMaxToBeBetween(
            column=figure.name,
            min_value=figure.at_least,
            max_value=figure.at_most,
            severity=figure.severity,
        )
        for figure in figures
    ]
    return evaluate(row, suite)
