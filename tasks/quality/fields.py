"""Each column by itself: how alike its distributions are, and the bars that show them."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from scipy import stats

from tasks.quality.columns import Floats, Kind, Kinds, codes, measured
from tasks.quality.contingency import joint_counts, shares, variation
from tasks.quality.errors import QualityError
from tasks.quality.references import Beside, Compared

MOST_BARS = 24
"""Bars of a number, at most; of a category, those of the rarer values are one."""


@dataclass(frozen=True)
class Field:
    """A column, and how the synthetic rows have it.

    Attributes:
        name: Name of the column.
        kind: What it holds.
        similarity: See `similarity`.
        labels: What each bar stands for.
        training: Share of the training rows in each bar, shape (bars,).
        synthetic: Share of the synthetic rows.
    """

    name: str
    kind: Kind
    similarity: Beside
    labels: tuple[str, ...]
    training: tuple[float, ...]
    synthetic: tuple[float, ...]


def similarity(real: pa.Table, other: pa.Table, name: str, kind: Kind) -> float:
    """How alike a column's distributions are, 0 to 1.

    One less the Kolmogorov-Smirnov statistic of numbers, and of the lengths of texts; one less the
    total variation of categories. Those are SDMetrics' KSComplement and TVComplement
    (https://docs.sdv.dev/sdmetrics, DataCebo).

    Raises:
        QualityError: If a table is empty, lacks the column, or has nulls in it.
    """
    if not len(real) or not len(other):
        raise QualityError("a table without rows cannot be compared")
    if kind == "category":
        found = codes(real, other, name)
        return 1 - variation(joint_counts(found[0][:, None], found[1][:, None]))
    values = measured(real, name, kind), measured(other, name, kind)
    return 1 - kolmogorov_smirnov(*values)


def kolmogorov_smirnov(a: Floats, b: Floats) -> float:
    """The largest distance of two empirical distribution functions, 0 to 1."""
    return float(stats.ks_2samp(a, b, method="asymp").statistic)


def fields(compared: Compared, kinds: Kinds) -> tuple[Field, ...]:
    """All columns, in the order of `kinds`.

    Raises:
        QualityError: If a column is missing or has nulls.
    """
    return tuple(_field(compared, name, kind) for name, kind in kinds.items())


def _field(compared: Compared, name: str, kind: Kind) -> Field:
    def alike(real: pa.Table, other: pa.Table) -> float:
        return similarity(real, other, name, kind)

    bars = _of_categories if kind == "category" else _of_numbers
    labels, training, synthetic = bars(compared.training, compared.synthetic, name, kind)
    return Field(
        name,
        kind,
        compared.each(alike),
        tuple(labels),
        tuple(shares(training).tolist()),
        tuple(shares(synthetic).tolist()),
    )


def _of_categories(
    real: pa.Table, other: pa.Table, name: str, kind: Kind
) -> tuple[list[str], Floats, Floats]:
    """The categories with most real rows, and the others as one bar."""
    a, b, names = codes(real, other, name)
    counts = [np.bincount(each, minlength=len(names)).astype(np.float64) for each in (a, b)]
    order = np.argsort(-counts[0], kind="stable")
    shown = order if len(order) <= MOST_BARS else order[: MOST_BARS - 1]
    rest = order[len(shown) :]
    labels = [names[index] for index in shown]
    if len(rest):
        labels.append(f"{len(rest)} others")
        counts = [np.append(count[shown], count[rest].sum()) for count in counts]
    else:
        counts = [count[shown] for count in counts]
    return labels, counts[0], counts[1]


def _of_numbers(
    real: pa.Table, other: pa.Table, name: str, kind: Kind
) -> tuple[list[str], Floats, Floats]:
    """Bins of one width over all values; of a few whole numbers a bar each."""
    values = measured(real, name, kind), measured(other, name, kind)
    both = np.concatenate(values)
    low, high = float(both.min()), float(both.max())
    if np.all(both == np.round(both)) and high - low < MOST_BARS:
        edges = np.arange(low - 0.5, high + 1)
        labels = [f"{edge + 0.5:.10g}" for edge in edges[:-1]]
    else:
        edges = np.linspace(low, high, MOST_BARS + 1)
        labels = [f"{a:.6g} to {b:.6g}" for a, b in pairwise(edges)]
    counts = [np.histogram(each, edges)[0].astype(np.float64) for each in values]
    return labels, counts[0], counts[1]
