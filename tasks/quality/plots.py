"""The plots of a quality report: figures, columns, pairs, components and maps of difference."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from markupsafe import Markup

from tasks.quality.columns import Floats
from tasks.quality.components import Components
from tasks.quality.fields import Field
from tasks.quality.report import Figure
from tasks.quality.trends import Trend
from tasks.quality.trips import Difference
from tasks.release.plots import LARGE, SMALL, MapStyle, cell_map
from tasks.release.row_plot import RowPlot
from tasks.release.svg import dot, drawing, line, number, rectangle, text

MOST_POINTS = 1500
"""Points of each table that are drawn."""
DIFFERENCES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Where a pair's difference changes its colour, `.c0` to `.c6`."""
DEVIATIONS = (-4.0, -2.0, 2.0, 4.0)
"""Where a cell's deviation changes its colour, `.c0` to `.c4`."""

_BEST = {0.0: "0 is best", 0.5: "0.5 is best", 1.0: "1 is best"}
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 400.0, 190.0, 44.0, 26.0, 12.0, 28.0
_BAR, _NAMES = 18.0, 130.0
_CELL, _HEAD = 34.0, 20.0


def figures_plot(figures: Sequence[Figure]) -> Markup:
    """Every figure as a dot, its references on the same line; the best at the same end."""
    groups = [(best, [each for each in figures if each.best == best]) for best in _BEST]
    groups = [(best, group) for best, group in groups if group]
    plot = RowPlot(1.0, len(figures) + len(groups))
    parts = [*plot.axis(0.1, "value; those over 1 are at the end")]
    row = 0
    for best, group in groups:
        parts.append(plot.heading(row, _BEST[best]))
        for figure in group:
            row += 1
            parts += _beside(plot, row, figure)
        row += 1
    title = "Figures of the synthetic rows: " + ", ".join(
        f"{each.title} {said(each.value.synthetic)}" for each in figures
    )
    return plot.drawn(title, parts)


def said(value: float | None) -> str:
    """A figure for people; a dash where there is none.

    Examples:
        >>> said(0.12345), said(0.0012345), said(None), said(float("nan"))
        ('0.123', '0.0012', '-', '-')
    """
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"


def _beside(plot: RowPlot, row: int, figure: Figure) -> Iterator[Markup]:
    """A figure and its references on their line."""
    yield plot.name(row, figure.title)
    y, value = plot.y(row), figure.value
    known = [each for each in vars(value).values() if each is not None and not math.isnan(each)]
    if known:
        yield line(plot.x(min(known)), y, plot.x(max(known)), y, "tick")
    for whose, kind, radius in (
        ("synthetic", "dot", 4.5),
        ("bootstrap", "bootstrap", 6.0),
        ("held_out", "held_out", 6.0),
    ):
        each = getattr(value, whose)
        if each is not None and not math.isnan(each):
            words = f"{figure.title}, {whose.replace('_', ' ')}: {said(each)}"
            yield dot(plot.x(each), y, radius, words, kind)


def field_plot(field: Field) -> Markup:
    """A column's shares as paired bars: training rows, and synthetic ones."""
    title = f"{field.name}: similarity {said(field.similarity.synthetic)}"
    return _lying(field, title) if field.kind == "category" else _standing(field, title)


def _standing(field: Field, title: str) -> Markup:
    """Bars of numbers, from left to right."""
    most = max(*field.training, *field.synthetic)
    floor, step = _HEIGHT - _BOTTOM, (_WIDTH - _LEFT - _RIGHT) / len(field.labels)
    parts: list[Markup] = []
    for share in _round_shares(most):
        y = floor - share / most * (floor - _TOP)
        parts += [
            line(_LEFT, y, _WIDTH - _RIGHT, y, "axis" if share == 0 else "grid"),
            text(_LEFT - 6, y + 4, f"{100 * share:.3g} %", "end"),
        ]
    for i, (label, *shares) in enumerate(
        zip(field.labels, field.training, field.synthetic, strict=True)
    ):
        for place, (share, kind) in enumerate(zip(shares, ("real", "made"), strict=True)):
            height = share / most * (floor - _TOP)
            x = _LEFT + i * step + (0.08 + 0.42 * place) * step
            words = f"{label}, {_WHOSE[kind]}: {100 * share:.2f} %"
            parts.append(rectangle(x, floor - height, 0.42 * step, height, words, kind))
    parts += [text(_LEFT + at * step, floor + 16, words, "middle") for at, words in field.ticks]
    return drawing(_WIDTH, _HEIGHT, title, parts, "chart")


def _lying(field: Field, title: str) -> Markup:
    """Bars of categories, one pair below the other."""
    most = max(*field.training, *field.synthetic)
    width = _WIDTH - _NAMES - _RIGHT
    parts: list[Markup] = []
    for i, (label, *shares) in enumerate(
        zip(field.labels, field.training, field.synthetic, strict=True)
    ):
        y = _TOP + i * _BAR
        parts.append(text(_NAMES - 8, y + _BAR / 2 + 4, _short(label), "end"))
        for place, (share, kind) in enumerate(zip(shares, ("real", "made"), strict=True)):
            words = f"{label}, {_WHOSE[kind]}: {100 * share:.2f} %"
            at = y + (0.12 + 0.38 * place) * _BAR
            parts.append(rectangle(_NAMES, at, share / most * width, 0.38 * _BAR, words, kind))
    floor = _TOP + len(field.labels) * _BAR
    parts.append(line(_NAMES, _TOP, _NAMES, floor, "axis"))
    for share in _round_shares(most):
        at = _NAMES + share / most * width
        parts.append(text(at, floor + 16, f"{100 * share:.3g} %", "middle"))
    return drawing(_WIDTH, floor + _BOTTOM, title, parts, "chart")


_WHOSE = {"real": "training rows", "made": "synthetic rows"}


def _short(words: str, most: int = 24) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def _round_shares(most: float) -> list[float]:
    """Round shares from 0 to the largest, three to six of them."""
    steps = [digit * 10.0**power for power in (-4, -3, -2, -1) for digit in (1, 2, 5)]
    step = next(step for step in steps if most / step < 5)
    return [i * step for i in range(int(most / step + 1e-9) + 1)]


def trends_plot(trends: Sequence[Trend]) -> Markup:
    """Differences of all pairs: of synthetic rows above the diagonal, of held-out ones below."""
    names = list(dict.fromkeys(name for trend in trends for name in trend.names))
    left = 30 + 6.2 * max(len(_short(name)) for name in names)
    parts = []
    for i, name in enumerate(names):
        middle = (i + 0.5) * _CELL
        parts += [
            text(left - 6, _HEAD + middle + 4, f"{_short(name)}  {i + 1}", "end"),
            text(left + middle, _HEAD - 6, f"{i + 1}", "middle"),
        ]
    for trend in trends:
        i, j = (names.index(name) for name in trend.names)
        for row, column, whose in ((i, j, "synthetic"), (j, i, "held_out")):
            parts += _difference(trend, getattr(trend.similarity, whose), whose, row, column, left)
    side = len(names) * _CELL
    title = "Differences of pairs of columns; largest: " + _largest(trends)
    return drawing(left + side + 8, _HEAD + side + 8, title, parts, "chart heat")


def difference_of(trend: Trend, similarity: float) -> float:
    """How far a pair is off: difference of correlations, 0 to 2, or total variation, 0 to 1."""
    return (1 - similarity) * (1 if trend.correlations is None else 2)


def _difference(
    trend: Trend, similarity: float, whose: str, row: int, column: int, left: float
) -> Iterator[Markup]:
    """A cell of the heat map."""
    x, y = left + column * _CELL, _HEAD + row * _CELL
    value = difference_of(trend, similarity)
    words = f"{trend.names[0]} and {trend.names[1]}, {whose.replace('_', ' ')} rows: {said(value)}"
    if math.isnan(value):
        return
    colour = int(np.searchsorted(DIFFERENCES, value, side="right"))
    yield rectangle(x + 1, y + 1, _CELL - 2, _CELL - 2, words, f"c{colour}")
    yield text(x + _CELL / 2, y + _CELL / 2 + 4, f"{value:.2f}".removeprefix("0"), "middle")


def _largest(trends: Sequence[Trend]) -> str:
    """The pair that is farthest off."""
    known = [
        (difference_of(each, each.similarity.synthetic), " and ".join(each.names))
        for each in trends
        if not math.isnan(each.similarity.synthetic)
    ]
    if not known:
        return "none"
    value, names = max(known)
    return f"{names}, {said(value)}"


def components_plots(found: Components) -> dict[str, Markup]:
    """Training and synthetic rows in the plane of the first two components, with the same axes."""
    both = np.concatenate([found.training, found.synthetic])
    low, high = np.percentile(both, 0.2, axis=0), np.percentile(both, 99.8, axis=0)
    return {
        "training": _scatter(found.training, low, high, found.explained, "training", "real"),
        "synthetic": _scatter(found.synthetic, low, high, found.explained, "synthetic", "made"),
    }


def _scatter(
    points: Floats,
    low: Floats,
    high: Floats,
    explained: tuple[float, float],
    whose: str,
    kind: str,
) -> Markup:
    height = 300.0
    floor, right = height - 40, _WIDTH - _RIGHT
    drawn = points[np.random.default_rng(0).permutation(len(points))[:MOST_POINTS]]
    share = np.clip((drawn - low) / np.where(high > low, high - low, 1.0), 0, 1)
    x, y = _LEFT + share[:, 0] * (right - _LEFT), floor - share[:, 1] * (floor - _TOP)
    path = "".join(f"M{number(a)} {number(b)}h0" for a, b in zip(x, y, strict=True))
    parts = [
        line(_LEFT, floor, right, floor, "axis"),
        line(_LEFT, _TOP, _LEFT, floor, "axis"),
        Markup('<path class="points {}" d="{}"/>').format(kind, path),
        text(right, floor + 34, f"first component, {100 * explained[0]:.0f} % of variance", "end"),
        text(0, _TOP - 2, f"second component, {100 * explained[1]:.0f} %", "start"),
    ]
    for place, at in ((low[0], _LEFT), (high[0], right)):
        parts.append(text(at, floor + 16, f"{place:.1f}", "middle"))
    for place, at in ((low[1], floor), (high[1], _TOP + 12)):
        parts.append(text(_LEFT - 6, at + 2, f"{place:.1f}", "end"))
    title = f"{len(drawn):,} {whose} rows in the plane of the first two principal components"
    return drawing(_WIDTH, height, title, parts, "chart")


def difference_map(difference: Difference, *, large: bool) -> Markup:
    """Where synthetic trips start, or end, more often than real ones, and where less often."""
    z = difference.deviations
    classes = np.where(z == 0, -1, np.searchsorted(DEVIATIONS, z, side="right"))
    base = LARGE if large else SMALL
    style = MapStyle(
        f"{base.kind} difference", base.width, base.left, base.bottom, degrees=base.degrees
    )
    count = int((np.abs(z) > DEVIATIONS[-1]).sum())
    title = (
        f"{difference.box.name}: {difference.end}s of synthetic trips less those of real ones; "
        f"{count} of {int((z != 0).sum())} cells are over four standard deviations off"
    )
    return cell_map(classes.astype(np.int64), difference.box, difference.cell_m, style, title)
