"""The plots of a search's page: candidates as bubbles, and the front of epsilon and utility."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tasks.release.svg import dot, drawing, line, number, text
from tasks.tuning.scores import Score, front

_WIDTH, _HEIGHT = 640.0, 360.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 24.0, 40.0, 46.0
_SMALLEST, _LARGEST = 3.0, 15.0
_MARGIN = 18.0
"""What the axes leave free at their ends, for bubbles there."""
_WIDE = 8.0
"""An axis is logarithmic if its largest value is so many times the smallest."""
_MOST_TICKS = 8
COLOURS = 4
"""Series that the style sheet tells apart."""


@dataclass(frozen=True)
class _Axis:
    """Values along a side of the plot.

    Attributes:
        ticks: Values that are named, rising; the first and the last are the ends.
        is_percent: Whether they are shares.
    """

    ticks: tuple[float, ...]
    is_percent: bool = False

    @classmethod
    def over(cls, values: Sequence[float]) -> "_Axis":
        """Named by the values themselves: those of a search are few."""
        distinct = sorted(set(values))
        step = max(1, math.ceil((len(distinct) - 1) / (_MOST_TICKS - 1)))
        named = [*distinct[:-1:step], distinct[-1]]
        return cls(tuple(named))

    @classmethod
    def of_shares(cls, values: Sequence[float]) -> "_Axis":
        """From 0 to the first round share that none exceeds."""
        steps = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
        step = next(step for step in steps if max(values) <= 5 * step or step == steps[-1])
        count = max(1, math.ceil(max(values) / step - 1e-9))
        return cls(tuple(i * step for i in range(count + 1)), is_percent=True)

    def at(self, value: float) -> float:
        """Where a value lies, 0 to 1."""
        low, high = self.ticks[0], self.ticks[-1]
        if low == high:
            return 0.5
        if low > 0 and high / low >= _WIDE:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    def named(self, value: float) -> str:
        """A tick's name."""
        return f"{100 * value:.3g} %" if self.is_percent else f"{value:.4g}"


@dataclass(frozen=True)
class _Plane:
    """The ground of a plot."""

    x_axis: _Axis
    y_axis: _Axis

    def x(self, value: float) -> float:
        """Where a value of the lower axis is."""
        return _LEFT + _MARGIN + self.x_axis.at(value) * (_WIDTH - _LEFT - _RIGHT - 2 * _MARGIN)

    def y(self, value: float) -> float:
        """Where a value of the left axis is."""
        return (
            _HEIGHT
            - _BOTTOM
            - _MARGIN
            - self.y_axis.at(value) * (_HEIGHT - _TOP - _BOTTOM - 2 * _MARGIN)
        )

    def drawn(self, across: str, up: str) -> Iterator[Markup]:
        """Grid, ticks and the names of the axes."""
        floor, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
        for value in self.x_axis.ticks:
            yield line(self.x(value), _TOP, self.x(value), floor, "grid")
            yield text(self.x(value), floor + 16, self.x_axis.named(value), "middle")
        for value in self.y_axis.ticks:
            yield line(_LEFT, self.y(value), right, self.y(value), "grid")
            yield text(_LEFT - 8, self.y(value) + 4, self.y_axis.named(value), "end")
        yield line(_LEFT, floor, right, floor, "axis")
        yield text(right, floor + 36, across, "end")
        yield text(0, _TOP - 24, up, "start")


def number_of(score: Score, setting: str) -> float:
    """A setting of a candidate; `epochs` is how often a row is expected to be drawn."""
    values = score.candidate.settings.model_dump()
    if setting == "epochs" and setting not in values:
        return float(values["steps"] * values["sampling_probability"])
    return float(values[setting])


def series_of(scores: Sequence[Score]) -> list[str]:
    """What candidates are told apart by: their optimizers, if there are any; else nothing."""
    return sorted({_series(each) for each in scores})


def _series(score: Score) -> str:
    return str(getattr(score.candidate.settings, "optimizer", ""))


def validity_plots(scores: Sequence[Score], setting: str) -> list[tuple[str, Markup]]:
    """A plot for each optimizer, all with the same axes, by its name; one, unnamed, without any."""
    return [(name, _validity_plot(scores, setting, name)) for name in series_of(scores)]


def _validity_plot(scores: Sequence[Score], setting: str, series: str) -> Markup:
    """Share of invalid rows against a setting; the larger a bubble, the higher its utility."""
    plane = _Plane(
        _Axis.over([number_of(each, setting) for each in scores]),
        _Axis.of_shares([1 - each.valid for each in scores]),
    )
    name = setting.replace("_", " ")
    parts = [*plane.drawn(name, "invalid rows")]
    shown = [each for each in _large_first(scores) if _series(each) == series]
    for each in shown:
        parts.append(
            _bubble(each, scores, plane.x(number_of(each, setting)), plane.y(1 - each.valid))
        )
    title = f"Share of invalid rows by {name}, {series} {len(shown)} candidates"
    return drawing(_WIDTH, _HEIGHT, title, parts, "chart")


def size_plot(scores: Sequence[Score], size: str) -> Markup:
    """Epochs against the size of the network, of each optimizer the best candidate of a place.

    The larger a bubble, the higher its utility.
    """
    name = size.replace("_", " ")
    plane = _Plane(
        _Axis.over([number_of(each, size) for each in scores]),
        _Axis.over([number_of(each, "epochs") for each in scores]),
    )
    series = series_of(scores)
    parts = [*plane.drawn(name, "epochs"), *_key(series)]
    best: dict[tuple[str, float, float], Score] = {}
    for each in _large_first(scores):
        best.setdefault((_series(each), number_of(each, size), number_of(each, "epochs")), each)
    for (of, x, y), each in best.items():
        beside = _LARGEST * (series.index(of) - (len(series) - 1) / 2)
        parts.append(_bubble(each, scores, plane.x(x) + beside, plane.y(y)))
    title = f"Epochs by {name}, the best of {len(scores)} candidates"
    return drawing(_WIDTH, _HEIGHT, title, parts, "chart")


def front_plot(scores: Sequence[Score]) -> Markup:
    """Utility against epsilon, and the front: no candidate is preferable in both.

    Empty where no run with another epsilon came to its end.
    """
    judged = [each for each in scores if each.utility is not None and each.epsilon is not None]
    if len({each.epsilon for each in judged}) < 2:
        return Markup("")
    utilities = [each.utility or 0.0 for each in judged]
    plane = _Plane(_Axis.over([_cost(each) for each in judged]), _Axis.over(_rounded(utilities)))
    parts = [*plane.drawn("epsilon", "utility"), *_key(series_of(scores))]
    best = front(scores)
    points = " ".join(
        f"{number(plane.x(_cost(each)))},{number(plane.y(each.utility or 0))}" for each in best
    )
    parts.append(Markup('<polyline class="front" points="{}"/>').format(points))
    parts += [
        _bubble(each, scores, plane.x(_cost(each)), plane.y(each.utility or 0), radius=5)
        for each in judged
    ]
    title = "Utility by epsilon; on the front: " + ", ".join(
        f"{each.utility:.3f} at {_cost(each):.3g}" for each in best
    )
    return drawing(_WIDTH, _HEIGHT, title, parts, "chart")


def _cost(score: Score) -> float:
    """The epsilon of a candidate that has one."""
    assert score.epsilon is not None
    return score.epsilon


def said(score: Score) -> str:
    """A candidate in one line."""
    values = score.candidate.settings.model_dump(exclude={"name"})
    settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items())
    worth = "rejected" if score.utility is None else f"utility {score.utility:.3f}"
    cost = "no guarantee" if score.epsilon is None else f"epsilon {score.epsilon:.3g}"
    return f"{worth}, {score.valid:.1%} valid, {cost}: {settings}"


def _rounded(utilities: Sequence[float]) -> list[float]:
    """Round numbers around utilities."""
    low, high = min(utilities), max(utilities)
    step = next(
        step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if high - low <= 6 * step or step == 0.2
    )
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(i * step, 4) for i in range(first, max(last, first + 1) + 1)]


def _large_first(scores: Sequence[Score]) -> list[Score]:
    """So that none hides another."""
    return sorted(scores, key=lambda each: -(each.utility or 0))


def _bubble(
    score: Score, scores: Sequence[Score], x: float, y: float, radius: float | None = None
) -> Markup:
    series = series_of(scores)
    kind = f"bubble s{series.index(_series(score)) % COLOURS}" + ("" if score.is_valid else " out")
    worths = [each.utility for each in scores if each.utility is not None]
    if radius is None and score.utility is not None:
        low, high = min(worths), max(worths)
        share = (score.utility - low) / (high - low) if high > low else 0.5
        radius = _SMALLEST + 2 + share * (_LARGEST - _SMALLEST - 2)
    return dot(x, y, radius or _SMALLEST, said(score), kind)


def _key(series: Sequence[str]) -> Iterator[Markup]:
    """Which colour is which optimizer."""
    at = _LEFT + 60
    for index, name in enumerate(series if series != [""] else []):
        yield dot(at, 12, 5, name, f"bubble s{index % COLOURS}")
        yield text(at + 10, 16, name, "start")
        at += 34 + 7 * len(name)
