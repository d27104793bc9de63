"""Bars of hours, distances and other classes as inline SVG, with intervals where they are known."""

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from tasks.release.figures import Bars, nice_number
from tasks.release.svg import drawing, line, number, rectangle, text

_WIDTH, _HEIGHT = 460.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 16.0, 22.0, 40.0
_FLOOR = _HEIGHT - _BOTTOM


def hour_bars(bars: Bars, noun: str = "trips") -> Markup:
    """Rows per local hour of the day.

    Args:
        bars: Of the hours.
        noun: What a row is, in the plural.
    """
    hours = bars.counts
    titles = [f"{h}:00 to {h + 1}:00" for h in range(24)]
    title = f"{noun.capitalize()} per local hour"
    if hours.sum():
        busiest, quietest = int(hours.argmax()), int(hours.argmin())
        title += (
            f": most from {busiest}:00 to {busiest + 1}:00 ({hours[busiest]:,}), "
            f"fewest from {quietest}:00 to {quietest + 1}:00 ({hours[quietest]:,})"
        )
    ticks = [(float(h), str(h)) for h in range(0, 25, 3)]
    axis = f"local hour in which the {noun.removesuffix('s')} ends, h"
    return bar_chart(bars, noun, titles, ticks, axis, title)


def distance_bars(bars: Bars, median_m: float) -> Markup:
    """Rows per class of distance; the last bar holds all longer trips where its class is open."""
    titles = [distance_class(bars, i) for i in range(len(bars.counts))]
    title = "Trips per class of distance"
    marks = []
    if not math.isnan(median_m):
        title += f"; half of the trips are shorter than {median_m:,.0f} m"
        marks = [(_at(bars, median_m), f"median {median_m:,.0f} m")]
    axis = "straight-line distance, km"
    return bar_chart(bars, "trips", titles, _distance_ticks(bars), axis, title, marks)


def bar_chart(
    bars: Bars,
    noun: str,
    titles: Sequence[str],
    ticks: Sequence[tuple[float, str]],
    axis: str,
    title: str,
    marks: Sequence[tuple[float, str]] = (),
) -> Markup:
    """Bars of any classes.

    Args:
        bars: The classes, drawn equally wide.
        noun: What is counted, in the plural.
        titles: Each class in words.
        ticks: Labels of the horizontal axis, each with its place in bars.
        axis: What the horizontal axis shows, with its unit.
        title: What the bars show, for those who hear it and those who point at it.
        marks: Dashed lines, each with its place in bars and its words.
    """
    step = (_WIDTH - _LEFT - _RIGHT) / len(bars.counts)
    most = max(int(bars.counts.max(initial=0)), math.ceil(bars.most))
    y_ticks = _count_ticks(most)
    per_row = (_FLOOR - _TOP) / y_ticks[-1]
    parts: list[Markup] = []
    for value in y_ticks:
        y = _FLOOR - value * per_row
        parts.append(line(_LEFT, y, _WIDTH - _RIGHT, y, "axis" if value == 0 else "grid"))
        parts.append(text(_LEFT - 6, y + 4, f"{value:,}", "end"))
    for i, (count, words) in enumerate(zip(bars.counts.tolist(), titles, strict=True)):
        said = f"{words}: {count:,} {noun}{_interval(bars, i)}"
        parts.append(
            rectangle(
                _LEFT + i * step + 0.08 * step,
                _FLOOR - count * per_row,
                0.84 * step,
                count * per_row,
                said,
                "column",
            )
        )
        parts += _whisker(bars, i, _LEFT + (i + 0.5) * step, step, per_row)
    parts += [text(_LEFT + at * step, _FLOOR + 15, label, "middle") for at, label in ticks]
    for at, label in marks:
        x = _LEFT + at * step
        parts += [line(x, _TOP - 6, x, _FLOOR, "mark"), text(x + 5, _TOP + 2, label, "start")]
    parts.append(text(_LEFT - 6, _TOP - 10, noun, "end"))
    parts.append(text(_WIDTH - _RIGHT, _HEIGHT - 8, axis, "end"))
    kind = "chart" if bars.low is None else "chart uncertain"
    return drawing(_WIDTH, _HEIGHT, title, parts, kind)


def distance_class(bars: Bars, i: int) -> str:
    """A class of distance in words.

    Examples:
        >>> bars = Bars(np.array([0.0, 500.0, math.inf]), np.array([7, 2]))
        >>> distance_class(bars, 0), distance_class(bars, 1)
        ('0 to 0.5 km', 'over 0.5 km')
    """
    if math.isinf(bars.edges[i + 1]):
        return f"over {_km(bars.edges[i])} km"
    return f"{_km(bars.edges[i])} to {_km(bars.edges[i + 1])} km"


def _at(bars: Bars, metres: float) -> float:
    """Where a distance lies along the axis, in bars."""
    edges = bars.edges[np.isfinite(bars.edges)]
    return float(np.interp(metres, edges, np.arange(len(edges))))


def _distance_ticks(bars: Bars) -> list[tuple[float, str]]:
    closed = bars.edges[np.isfinite(bars.edges)]
    if bars.is_even:
        last = len(closed) - 1
        every = nice_number(last / 6)
        kept = [i for i in range(0, last, every) if last - i >= every * 0.6]
        return [
            *((float(i), _km(closed[i])) for i in kept),
            (last + 0.5, f"over {_km(closed[last])}"),
        ]
    round_m = [digit * 10.0**power for power in range(1, 8) for digit in (1, 2, 5)]
    return [(_at(bars, m), _km(m)) for m in round_m if closed[0] <= m <= closed[-1]]


def _whisker(bars: Bars, i: int, x: float, step: float, per_row: float) -> list[Markup]:
    """The interval of a bar; nothing where none is known."""
    if bars.low is None or bars.high is None or math.isnan(bars.low[i]):
        return []
    low, high = (_FLOOR - float(end[i]) * per_row for end in (bars.low, bars.high))
    half = min(step * 0.2, 3.0)
    return [
        Markup('<path class="whisker" d="M{0} {1}H{2}M{3} {1}V{4}M{0} {4}H{2}"/>').format(
            number(x - half), number(high), number(x + half), number(x), number(low)
        )
    ]


def _interval(bars: Bars, i: int) -> str:
    if bars.low is None or bars.high is None or math.isnan(bars.low[i]):
        return ""
    low, high = (f"{end[i]:,.0f}" for end in (bars.low, bars.high))
    return f"; the true number is between {low} and {high} in 90 of 100 cases"


def _count_ticks(most: int) -> list[int]:
    step = nice_number(max(most, 1) / 4)
    return list(range(0, step * math.ceil(max(most, 1) / step) + 1, step))


def _km(metres: float) -> str:
    return f"{metres / 1000:.3g}"
