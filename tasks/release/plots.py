"""Maps and timelines as inline SVG: no script, no style attribute; the page has their colours."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from tasks.region import Box
from tasks.release.figures import nice_number, size_m
from tasks.release.manifest import FeedCapture
from tasks.release.svg import drawing, line, number, text

COLOURS = 7
"""Colours of the density ramp, `.c0` (few) to `.c6` (many) in the style sheet."""
_DOUBLING = (1, 2, 4, 8, 16, 32, 64)
_TRIPLING = (1, 3, 10, 30, 100, 300, 1000)


@dataclass(frozen=True)
class Ramp:
    """Classes of counts and their colours: class i holds counts from `bounds[i]` on.

    Examples:
        >>> Ramp.up_to(9).labels()
        ['1', '2 to 3', '4 to 7', '8 or more']
        >>> Ramp.up_to(9).colours
        (0, 2, 4, 6)
    """

    bounds: tuple[int, ...]

    @classmethod
    def up_to(cls, most: int) -> "Ramp":
        """The ramp for counts from 1 to `most`, the same on every map of a page."""
        steps = _DOUBLING if most < 2 * _DOUBLING[-1] else _TRIPLING
        return cls(tuple(bound for bound in steps if bound <= max(most, 1)))

    @property
    def colours(self) -> tuple[int, ...]:
        """Colour of each class; few classes are spread, two steps apart at most."""
        step = min((COLOURS - 1) / max(len(self.bounds) - 1, 1), 2)
        return tuple(round(i * step) for i in range(len(self.bounds)))

    def labels(self) -> list[str]:
        """What each class holds, in words."""
        pairs = zip(self.bounds, self.bounds[1:], strict=False)
        closed = [str(a) if b == a + 1 else f"{a} to {b - 1}" for a, b in pairs]
        return [*closed, f"{self.bounds[-1]} or more"]


@dataclass(frozen=True)
class MapStyle:
    """Class and width of a map's drawing in SVG units, and whether its axes carry degrees."""

    kind: str
    width: float
    left: float
    bottom: float
    degrees: bool


TALLEST = 1.25
"""Height of a map over the width it could have, at most; taller areas are drawn narrower."""
LARGE = MapStyle("map", width=460, left=52, bottom=46, degrees=True)
SMALL = MapStyle("map small", width=240, left=1, bottom=24, degrees=False)


def density_map(
    cells: NDArray[np.int64], box: Box, cell_m: int, ramp: Ramp, style: MapStyle, title: str
) -> Markup:
    """Rows per cell over a service area, north up, with the area's true proportions.

    Args:
        cells: Counts, shape (rows, columns), from the south-west corner.
        box: The area.
        cell_m: Side of a cell in metres.
        ramp: Classes and colours.
        style: Large with degrees, or small.
        title: What the map shows, for those who hear it and those who point at it.
    """
    return cell_map(_ramp_classes(cells, ramp), box, cell_m, style, title)


def cell_map(
    classes: NDArray[np.int64], box: Box, cell_m: int, style: MapStyle, title: str
) -> Markup:
    """Cells of a service area by class, north up, with the area's true proportions.

    Args:
        classes: The number of each cell's class, `.c0`, `.c1`, ... in the style sheet, shape (rows,
            columns), from the south-west corner; -1 is not drawn.
        box: The area.
        cell_m: Side of a cell in metres.
        style: Large with degrees, or small.
        title: What the map shows, for those who hear it and those who point at it.
    """
    width_m, height_m = size_m(box)
    room = style.width - style.left - 1
    scale = min(room / width_m, TALLEST * room / height_m)
    width, height = width_m * scale, height_m * scale
    parts = [
        Markup('<rect class="ground" x="{}" y="1" width="{}" height="{}"/>').format(
            number(style.left), number(width), number(height)
        ),
        Markup('<svg x="{}" y="1" width="{}" height="{}" viewBox="0 0 {} {}">{}</svg>').format(
            number(style.left),
            number(width),
            number(height),
            number(width_m / cell_m),
            number(height_m / cell_m),
            _cell_paths(classes, height_m / cell_m),
        ),
        Markup('<rect class="frame" x="{}" y="1" width="{}" height="{}"/>').format(
            number(style.left), number(width), number(height)
        ),
        *_outlines(box, style.left, width, height),
    ]
    if style.degrees:
        parts += _degrees(box, style.left, width, height)
    parts.append(_scale_bar(width_m, scale, style.left, height + style.bottom - 8))
    return drawing(style.width, height + style.bottom, title, parts, style.kind)


def capture_line(feed: FeedCapture, start: dt.datetime, end: dt.datetime, zone: str) -> Markup:
    """A service day as a line that is broken where a feed was not seen."""
    width, left, height = 640.0, 8.0, 46.0
    total = (end - start).total_seconds()

    def at(moment: dt.datetime) -> float:
        share = (min(max(moment, start), end) - start).total_seconds() / total
        return left + share * (width - 2 * left)

    parts = [
        Markup('<rect class="seen" x="{}" y="6" width="{}" height="14"/>').format(
            number(left), number(width - 2 * left)
        )
    ]
    for first, last in feed.gaps:
        parts.append(
            Markup('<rect class="gap" x="{}" y="4" width="{}" height="18"/>').format(
                number(at(first)), number(max(at(last) - at(first), 2.0))
            )
        )
    for moment, label in _local_ticks(start, end, zone):
        parts.append(text(at(moment), height - 8, label, "middle"))
    count = len(feed.gaps)
    title = f"Feed {feed.id}: {count} {'gap' if count == 1 else 'gaps'} in the service day"
    return drawing(width, height, title, parts, "timeline")


def _ramp_classes(cells: NDArray[np.int64], ramp: Ramp) -> NDArray[np.int64]:
    """The colour of each cell by its count; -1 where there is nothing."""
    classes = np.searchsorted(np.array(ramp.bounds), cells, side="right") - 1
    return np.where(classes < 0, -1, np.array(ramp.colours)[classes])


def _cell_paths(classes: NDArray[np.int64], top: float) -> Markup:
    """One path per class; neighbours in a row are drawn as one rectangle."""
    paths: dict[int, list[str]] = {}
    for row, values in enumerate(classes.tolist()):
        for column, length, value in _runs(values):
            if value >= 0:
                y = number(top - row - 1)
                paths.setdefault(value, []).append(f"M{column} {y}h{length}v1h-{length}z")
    return Markup("").join(
        Markup('<path class="c{}" d="{}"/>').format(value, "".join(path))
        for value, path in sorted(paths.items())
    )


def _runs(values: Sequence[int]) -> Iterable[tuple[int, int, int]]:
    start = 0
    for i in range(1, len(values) + 1):
        if i == len(values) or values[i] != values[start]:
            yield start, i - start, values[start]
            start = i


def _outlines(box: Box, left: float, width: float, height: float) -> list[Markup]:
    """The polygons of an area, holes included, as one path; none where the frame is the area."""
    corners = []
    for ring in (ring for polygon in box.polygons for ring in polygon):
        places = [
            f"{number(left + (x - box.west) / (box.east - box.west) * width)} "
            f"{number(1 + (box.north - y) / (box.north - box.south) * height)}"
            for x, y in ring[:-1]
        ]
        corners.append(f"M{'L'.join(places)}Z")
    return [Markup('<path class="frame" d="{}"/>').format("".join(corners))] if corners else []


def _degrees(box: Box, left: float, width: float, height: float) -> list[Markup]:
    parts: list[Markup] = []
    for degree in _degree_ticks(box.west, box.east):
        x = left + (degree - box.west) / (box.east - box.west) * width
        parts += [
            line(x, height + 1, x, height + 5),
            text(x, height + 17, _east(degree), "middle"),
        ]
    for degree in _degree_ticks(box.south, box.north):
        y = 1 + (box.north - degree) / (box.north - box.south) * height
        parts += [line(left - 4, y, left, y), text(left - 7, y + 4, _north(degree), "end")]
    return parts


def _degree_ticks(low: float, high: float) -> list[float]:
    step = nice_number((high - low) / 4 * 1e4) / 1e4
    first = math.ceil(low / step + 0.15)
    return [round(i * step, 6) for i in range(first, math.floor(high / step - 0.15) + 1)]


def _north(degree: float) -> str:
    return f"{abs(degree):.2f}° {'N' if degree >= 0 else 'S'}"


def _east(degree: float) -> str:
    return f"{abs(degree):.2f}° {'E' if degree >= 0 else 'W'}"


def _scale_bar(width_m: float, scale: float, x: float, y: float) -> Markup:
    length_m = nice_number(width_m / 8)
    end = x + length_m * scale
    label = f"{length_m // 1000} km" if length_m >= 1000 else f"{length_m} m"
    return Markup('<path class="bar" d="M{0} {1}v4H{2}v-4"/>{3}').format(
        number(x + 0.5), number(y - 4), number(end), text(end + 6, y + 1, label, "start")
    )


def _local_ticks(
    start: dt.datetime, end: dt.datetime, zone: str
) -> Iterable[tuple[dt.datetime, str]]:
    moment, known = start, ZoneInfo(zone)
    while moment <= end:
        local = moment.astimezone(known)
        if local.hour % 6 == 0 and local.minute == 0:
            yield moment, "24:00" if moment == end and moment > start else f"{local:%H:%M}"
        moment += dt.timedelta(minutes=15)
