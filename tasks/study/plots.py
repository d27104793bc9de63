"""The plots of the study's page: a secret's way from one copy to half of the training rows."""

import math
from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup

from tasks.audit.exposure import UNSEEN_BITS
from tasks.release.svg import dot, drawing, line, number, text
from tasks.study.summary import Repeated

_WIDTH, _HEIGHT = 640.0, 320.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 24.0, 44.0, 46.0
_SERIES = ("without privacy", "with privacy")
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_MOST_TICKS = 6


def secrets_plot(repeated: Sequence[Repeated], training_rows: int) -> Markup:
    """The share of generated rows that are the secret, by the share of training rows it was."""
    return _curves(
        repeated,
        training_rows,
        lambda each: each.secrets["none"],
        "generated rows that are the secret",
        lambda share: f"{100 * share:.3g} %",
    )


def exposures_plot(repeated: Sequence[Repeated], training_rows: int) -> Markup:
    """The secret's exposure in bits, by the share of training rows that it was."""
    return _curves(
        repeated,
        training_rows,
        lambda each: each.exposure,
        "exposure of the secret, bits",
        lambda bits: f"{bits:g}",
        UNSEEN_BITS,
    )


def _curves(
    repeated: Sequence[Repeated],
    training_rows: int,
    value: Callable[[Repeated], float],
    up: str,
    named: Callable[[float], str],
    unseen: float | None = None,
) -> Markup:
    copies = sorted({each.copies for each in repeated})
    values = [value(each) for each in repeated]
    most = max(values) or _STEPS[0]
    step = next((step for step in _STEPS if most <= step * _MOST_TICKS), _STEPS[-1])
    top = step * math.ceil(most / step - 1e-9)

    def x(number_of: int) -> float:
        span = math.log(copies[-1] / copies[0]) or 1.0
        return _LEFT + 20 + math.log(number_of / copies[0]) / span * (_WIDTH - _LEFT - _RIGHT - 40)

    def y(height: float) -> float:
        return _HEIGHT - _BOTTOM - height / top * (_HEIGHT - _TOP - _BOTTOM)

    parts = [*_ground(copies, x, [i * step for i in range(round(top / step) + 1)], y, named, up)]
    if unseen is not None and unseen <= top:
        parts.append(line(_LEFT, y(unseen), _WIDTH - _RIGHT, y(unseen), "mark"))
    for index, series in enumerate(_SERIES):
        mine = [each for each in repeated if each.is_private == bool(index)]
        points = " ".join(f"{number(x(each.copies))},{number(y(value(each)))}" for each in mine)
        parts.append(Markup('<polyline class="curve s{}" points="{}"/>').format(index, points))
        for each in mine:
            said = f"{series}, {each.copies:,} of {training_rows:,} rows: {named(value(each))}"
            parts.append(dot(x(each.copies), y(value(each)), 4.5, said, f"point s{index}"))
    title = f"{up} by copies: " + ", ".join(
        f"{each.copies:,} {_SERIES[each.is_private]} {named(value(each))}" for each in repeated
    )
    return drawing(_WIDTH, _HEIGHT, title, parts, "chart")


def _ground(
    copies: Sequence[int],
    x: Callable[[int], float],
    ticks: Sequence[float],
    y: Callable[[float], float],
    named: Callable[[float], str],
    up: str,
) -> Iterator[Markup]:
    """Grid, ticks, the names of the axes and the key."""
    floor, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for each in copies:
        yield line(x(each), _TOP, x(each), floor, "grid")
        yield text(x(each), floor + 16, f"{each:,}", "middle")
    for tick in ticks:
        yield line(_LEFT, y(tick), right, y(tick), "grid")
        yield text(_LEFT - 8, y(tick) + 4, named(tick), "end")
    yield line(_LEFT, floor, right, floor, "axis")
    yield text(right, floor + 36, "copies of the secret among the training rows", "end")
    yield text(0, 30, up, "start")
    at = _LEFT + 260
    for index, name in enumerate(_SERIES):
        yield dot(at, 12, 4.5, name, f"point s{index}")
        yield text(at + 10, 16, name, "start")
        at += 130
