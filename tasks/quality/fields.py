"""Each column by itself: how alike its distributions are, and the bars that show them."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

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
        ticks: Of numbers and texts, places along the axis, in bars, and what they stand for.
        training: Share of the training rows in each bar, shape (bars,).
        synthetic: Share of the synthetic rows.
    """

    name: str
    kind: Kind
    similarity: Beside
    labels: tuple[str, ...]
    ticks: tuple[tuple[float, str], ...]
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
    both = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(each), both, side="right") / len(each) for each in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def fields(compared: Compared, kinds: Kinds) -> tuple[Field, ...]:
    """All columns, in the order of `kinds`.

    Raises:
        QualityError: If a column is missing or has nulls.
    """
    return tuple(_field(compared, name, kind) for name, kind in kinds.items())


def _field(compared: Compared, name: str, kind: Kind) -> Field:
    def alike(real: pa.Table, other: pa.Table) -> float:
        return similarity(real, other, name, kind)

    real, synthetic = compared.training, compared.synthetic
    bars = _of_categories(real, synthetic, name)
    if kind != "category":
        bars = _of_numbers(real, synthetic, name, kind)
    return Field(
        name,
        kind,
        compared.each(alike),
        tuple(bars.labels),
        tuple(bars.ticks),
        *(tuple(shares(count).tolist()) for count in bars.counts),
    )


@dataclass(frozen=True)
class _Bars:
    """What is drawn of a column: bars, their names, and rows of either table in them."""

    labels: list[str]
    ticks: list[tuple[float, str]]
    counts: tuple[Floats, Floats]


def _of_categories(real: pa.Table, other: pa.Table, name: str) -> _Bars:
    """The categories with most real rows, and the others as one bar."""
    a, b, names = codes(real, other, name)
    first, second = (np.bincount(each, minlength=len(names)) for each in (a, b))
    order = np.argsort(-first, kind="stable")
    shown = order if len(order) <= MOST_BARS else order[: MOST_BARS - 1]
    rest = order[len(shown) :]
    labels = [names[index] for index in shown]
    if len(rest):
        labels.append(f"{len(rest)} others")
    counts = (
        np.append(count[shown], [count[rest].sum()] if len(rest) else []).astype(np.float64)
        for count in (first, second)
    )
    return _Bars(labels, [], (next(counts), next(counts)))


def _of_numbers(real: pa.Table, other: pa.Table, name: str, kind: Kind) -> _Bars:
    """Bins of one width over all values; of a few whole numbers a bar each."""
    values = measured(real, name, kind), measured(other, name, kind)
    both, unit = np.concatenate(values), real.schema.field(name).type
    low, high = float(both.min()), float(both.max())
    if np.all(both == np.round(both)) and high - low < MOST_BARS:
        edges = np.arange(low - 0.5, high + 1)
        labels = [_said(edge + 0.5, unit, 1.0) for edge in edges[:-1]]
        step = max(1, math.ceil(len(labels) / 8))
        ticks = [(i + 0.5, labels[i]) for i in range(0, len(labels), step)]
    else:
        edges = np.linspace(low, high, MOST_BARS + 1)
        said = [_said(edge, unit, float(edges[1] - edges[0])) for edge in edges]
        labels = [f"{a} to {b}" for a, b in pairwise(said)]
        ticks = [(float(i), said[i]) for i in range(0, len(edges), MOST_BARS // 4)]
    first, second = (np.histogram(each, edges)[0].astype(np.float64) for each in values)
    return _Bars(labels, ticks, (first, second))


def _said(value: float, unit: pa.DataType, step: float) -> str:
    """A number for people, to the digits of a step; a day where it counts days."""
    if pa.types.is_date(unit):
        return str(np.datetime64(round(value), "D"))
    if pa.types.is_timestamp(unit):
        return str(np.datetime64(round(value), unit.unit))
    decimals = max(0, math.ceil(-math.log10(step))) if step > 0 else 0
    return f"{value:,.{decimals}f}"
