"""Each pair of columns: how alike the two tables connect them."""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa

from tasks.quality.columns import Integers, Kind, Kinds, codes, numbers
from tasks.quality.contingency import joint_counts, variation
from tasks.quality.references import Beside, Compared

BINS = 10
"""Of a number that is paired with a category."""


@dataclass(frozen=True)
class Trend:
    """A pair of columns.

    Attributes:
        names: Their names.
        similarity: See `similarity`.
        correlations: Of two numbers, Pearson's correlation in the training and in the synthetic
            rows; else None.
    """

    names: tuple[str, str]
    similarity: Beside
    correlations: tuple[float, float] | None


def trends(compared: Compared, kinds: Kinds) -> tuple[Trend, ...]:
    """All pairs of columns but those of texts, in the order of `kinds`.

    Raises:
        QualityError: If a table is empty, or a column is missing or has nulls.
    """
    paired = [name for name, kind in kinds.items() if kind != "text"]
    return tuple(_trend(compared, pair, kinds) for pair in combinations(paired, 2))


def similarity(real: pa.Table, other: pa.Table, names: tuple[str, str], kinds: Kinds) -> float:
    """How alike two tables connect two columns, 0 to 1.

    Of two numbers, one less half the difference of Pearson's correlations; else one less the total
    variation of the pairs of values, where a number is cut into ten equal bins over the range of
    the real rows, the outer ones open. Those are SDMetrics' CorrelationSimilarity and
    ContingencySimilarity (https://docs.sdv.dev/sdmetrics, DataCebo). A number that is constant in
    the other table only, where SDMetrics has no answer, is taken as correlated with nothing.

    Returns:
        The similarity; NaN where one of two numbers is constant in the real rows.

    Raises:
        QualityError: If a table is empty, or a column is missing or has nulls.
    """
    if all(kinds[name] == "number" for name in names):
        found = correlation(other, names)
        return 1 - abs(correlation(real, names) - (0.0 if math.isnan(found) else found)) / 2
    sides = [_classes(real, other, name, kinds[name]) for name in names]
    keys = (np.column_stack([side[table] for side in sides]) for table in (0, 1))
    return 1 - variation(joint_counts(next(keys), next(keys)))


def correlation(table: pa.Table, names: tuple[str, str]) -> float:
    """Pearson's correlation of two columns of numbers, -1 to 1; NaN where one is constant."""
    x, y = (numbers(table, name) for name in names)
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def _trend(compared: Compared, names: tuple[str, str], kinds: Kinds) -> Trend:
    def alike(real: pa.Table, other: pa.Table) -> float:
        return similarity(real, other, names, kinds)

    correlations = None
    if all(kinds[name] == "number" for name in names):
        correlations = (
            correlation(compared.training, names),
            correlation(compared.synthetic, names),
        )
    return Trend(names, compared.each(alike), correlations)


def _classes(real: pa.Table, other: pa.Table, name: str, kind: Kind) -> tuple[Integers, Integers]:
    """The categories of a column, or the bins of its numbers, shape (n,) for either table."""
    if kind == "category":
        return codes(real, other, name)[:2]
    values = numbers(real, name), numbers(other, name)
    edges = np.histogram_bin_edges(values[0], BINS)[1:-1]
    first, second = (np.digitize(each, edges).astype(np.int64) for each in values)
    return first, second
