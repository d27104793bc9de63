"""Lines over days as one SVG file that needs no style sheet: small panels side by side."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from tasks.release.svg import drawing, line, number, text
from tests.benchmarks.svg_file import write_alone

_WIDTH, _HEIGHT = 270.0, 210.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 10.0, 30.0, 34.0
_KEY = 26.0
_STYLE = Markup(
    "<style>"
    "text{font:11px sans-serif;fill:#333}"
    ".title{font-weight:bold}"
    ".grid{stroke:#ddd}.axis{stroke:#666}.mark{stroke:#bbb;stroke-dasharray:2 3}"
    ".l{fill:none;stroke-width:1.8}"
    ".l0{stroke:#0b6e4f}.l1{stroke:#c8553d}.l2{stroke:#666;stroke-dasharray:5 3}"
    "</style>"
)
MOST = 3
"""Lines in a panel that the style tells apart."""

Panel = Mapping[str, Sequence[float]]


def write_panels(
    path: Path, panels: Mapping[str, Panel], title: str, axis: str, marked: Mapping[int, str]
) -> None:
    """Write panels with the same lines in each.

    Args:
        path: The SVG file.
        panels: For each panel its title and its lines: name and a value >= 0 for every day.
        title: Of the whole, for those who hear it.
        axis: What is counted from left to right, from 1 on.
        marked: Counts that are pointed at, and what is said there.

    Raises:
        ValueError: If there are more lines than the style tells apart.
    """
    parts = [Markup('<rect width="100%" height="100%" fill="#fff"/>'), _STYLE]
    for index, (name, lines) in enumerate(panels.items()):
        if len(lines) > MOST:
            raise ValueError(f"{name} has {len(lines)} lines; there are {MOST} styles")
        parts.append(
            Markup('<g transform="translate({} 0)">{}</g>').format(
                number(index * _WIDTH), Markup("").join(_panel(name, lines, axis, marked))
            )
        )
    at = _LEFT
    for index, name in enumerate(next(iter(panels.values()))):
        y = _HEIGHT + _KEY / 2
        parts += [line(at, y - 4, at + 24, y - 4, f"l l{index}"), text(at + 30, y, name, "start")]
        at += 60 + 6 * len(name)
    drawn = drawing(_WIDTH * len(panels), _HEIGHT + _KEY, title, parts, "lines")
    write_alone(path, drawn)


def _panel(name: str, lines: Panel, axis: str, marked: Mapping[int, str]) -> list[Markup]:
    days = len(next(iter(lines.values())))
    step = 0.01 * max(math.ceil(max(map(max, lines.values())) / 0.05), 1)
    across = (_WIDTH - _LEFT - _RIGHT) / max(days - 1, 1)
    floor, up = _HEIGHT - _BOTTOM, (_HEIGHT - _TOP - _BOTTOM) / (5 * step)
    parts = [Markup('<text class="title" x="{}" y="16">{}</text>').format(number(_LEFT), name)]
    for tick in range(6):
        y = floor - tick * step * up
        parts.append(line(_LEFT, y, _WIDTH - _RIGHT, y, "grid" if tick else "axis"))
        parts.append(text(_LEFT - 5, y + 4, f"{tick * step:.2f}", "end"))
    for day in sorted({1, *range(5, days + 1, 5)}):
        parts.append(text(_LEFT + (day - 1) * across, floor + 14, str(day), "middle"))
    parts.append(text(_WIDTH - _RIGHT, _HEIGHT - 6, axis, "end"))
    for day, words in marked.items():
        x = _LEFT + (day - 1) * across
        parts += [line(x, _TOP, x, floor, "mark"), text(x + 3, floor - 5, words, "start")]
    for index, values in enumerate(lines.values()):
        points = " ".join(
            f"{number(_LEFT + day * across)},{number(floor - value * up)}"
            for day, value in enumerate(values)
        )
        parts.append(Markup('<polyline class="l l{}" points="{}"/>').format(index, points))
    return parts
