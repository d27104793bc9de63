"""The numbers behind the page's plots, all of them counts of published rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.region import Box

METRES_PER_DEGREE = 111_195.1
"""Length of a degree of latitude on a sphere of radius 6,371,008.8 m."""
MAP_CELLS = (20, 80)
"""Cells along the longer side of the largest map: for few rows, and for many."""
DISTANCE_BINS = 30
"""Bars of the distance plot, at most; longer trips share one more."""

_PLACE = ["area", "hour", "latitude", "longitude"]


@dataclass(frozen=True)
class AreaFigures:
    """The rows of one service area on a grid of square cells.

    Attributes:
        box: The area.
        trips: Number of rows; of ends, where those are released.
        origins: Rows that start in each cell, shape (rows, columns), from the south-west corner.
        destinations: Rows that end in each cell, same shape.
    """

    box: Box
    trips: int
    origins: NDArray[np.int64]
    destinations: NDArray[np.int64]


@dataclass(frozen=True)
class Bars:
    """Rows per class, and what is known of the true number in each.

    Attributes:
        edges: Where the classes begin, and where the last ends: infinite if it is open; (n + 1,).
        counts: Rows in each class, shape (n,).
        low: Lower ends of 90 % intervals for the day's true numbers, shape (n,), NaN where a class
            has none; None where the release has none.
        high: Upper ends.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None

    @property
    def is_even(self) -> bool:
        """Whether all classes are equally wide, but for an open one."""
        widths = np.diff(self.edges[np.isfinite(self.edges)])
        return len(widths) == 0 or bool(np.allclose(widths, widths[0]))

    @property
    def most(self) -> float:
        """The largest upper end; 0 where there is none."""
        return 0.0 if self.high is None else float(np.nanmax(self.high, initial=0.0))


@dataclass(frozen=True)
class Figures:
    """What the page plots.

    Attributes:
        areas: One entry per service area, busiest first.
        cell_m: Side of a map cell in metres, the same on all maps.
        hours: Rows per local hour.
        distances: Rows per class of distance, metres; the last may hold all longer trips.
        median_m: Median distance in metres; NaN without rows.
    """

    areas: tuple[AreaFigures, ...]
    cell_m: int
    hours: Bars
    distances: Bars
    median_m: float


def figures_of(tables: Mapping[str, pa.Table], boxes: tuple[Box, ...]) -> Figures:
    """Count published rows for the plots.

    Args:
        tables: The published tables: `trips`, or `starts`, `ends` and `modelled_trips`; and
            `intervals` where the release has them.
        boxes: The service area.
    """
    if "trips" in tables:
        trips = tables["trips"]
        origins, destinations = (
            trips.select(["area", "hour", f"{end}_latitude", f"{end}_longitude"]).rename_columns(
                _PLACE
            )
            for end in ("origin", "destination")
        )
    else:
        origins, destinations, trips = (
            tables[name] for name in ("starts", "ends", "modelled_trips")
        )
    distance = trips["distance_m"].to_numpy()
    cell_m = map_cell_m(boxes, destinations.num_rows)
    areas = [_area(origins, destinations, box, cell_m) for box in boxes]
    intervals = tables.get("intervals")
    return Figures(
        areas=tuple(sorted(areas, key=lambda area: (-area.trips, area.box.name))),
        cell_m=cell_m,
        hours=_hours(destinations["hour"].to_numpy(), intervals),
        distances=_distances(distance, intervals),
        median_m=float(np.median(distance)) if len(distance) else math.nan,
    )


def map_cell_m(boxes: Sequence[Box], rows: int) -> int:
    """Side of a map's cells in metres, one for all areas: the more rows, the smaller."""
    longest_m = max(max(size_m(box)) for box in boxes)
    along = min(max(math.sqrt(rows), MAP_CELLS[0]), MAP_CELLS[1])
    return 10 * nice_number(longest_m / along / 10)


def size_m(box: Box) -> tuple[float, float]:
    """Width and height of a box in metres; the width is measured at its middle latitude.

    Examples:
        >>> box = Box(name="equator", south=-0.5, west=0, north=0.5, east=1)
        >>> [round(side) for side in size_m(box)]
        [111195, 111195]
    """
    shrink = math.cos(math.radians((box.south + box.north) / 2))
    width = (box.east - box.west) * METRES_PER_DEGREE * shrink
    return width, (box.north - box.south) * METRES_PER_DEGREE


def nice_number(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, ... that is not under a number.

    Examples:
        >>> nice_number(218.6), nice_number(1), nice_number(0.2)
        (500, 1, 1)
    """
    magnitude = 10 ** math.floor(math.log10(max(least, 1)))
    return next(int(m * magnitude) for m in (1, 2, 5, 10) if m * magnitude >= least)


def _area(origins: pa.Table, destinations: pa.Table, box: Box, cell_m: int) -> AreaFigures:
    inside = [table.filter(pc.field("area") == box.name) for table in (origins, destinations)]
    maps = [
        cell_counts(table["latitude"].to_numpy(), table["longitude"].to_numpy(), box, cell_m)
        for table in inside
    ]
    return AreaFigures(box, inside[1].num_rows, *maps)


def cell_counts(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], box: Box, cell_m: int
) -> NDArray[np.int64]:
    """Places in each cell of a box.

    Args:
        latitude: Degrees, shape (n,); places inside the box.
        longitude: Likewise.
        box: The area.
        cell_m: Side of a cell in metres.

    Returns:
        Shape (rows, columns), from the south-west corner.
    """
    width, height = size_m(box)
    shape = math.ceil(height / cell_m), math.ceil(width / cell_m)
    north = (latitude - box.south) / (box.north - box.south) * height / cell_m
    east = (longitude - box.west) / (box.east - box.west) * width / cell_m
    row = np.clip(north.astype(np.int64), 0, shape[0] - 1)
    column = np.clip(east.astype(np.int64), 0, shape[1] - 1)
    flat = np.bincount(row * shape[1] + column, minlength=shape[0] * shape[1])
    return flat.reshape(shape)


def _hours(hour: NDArray[np.int8], intervals: pa.Table | None) -> Bars:
    counts, edges = np.bincount(hour, minlength=24), np.arange(25.0)
    known = _known(intervals, "hours")
    if known is None:
        return Bars(edges, counts)
    low, high = np.full((2, 24), np.nan)
    at = known["hour"].to_numpy()
    low[at], high[at] = known["low"].to_numpy(), known["high"].to_numpy()
    return Bars(edges, counts, low, high)


def _distances(distance: NDArray[np.float64], intervals: pa.Table | None) -> Bars:
    known = _known(intervals, "distances")
    return _even_distances(distance) if known is None else _known_distances(distance, known)


def _known(intervals: pa.Table | None, counted: str) -> pa.Table | None:
    """The intervals of one kind; None where there are none."""
    if intervals is None:
        return None
    known = intervals.filter(pc.field("counted") == counted)
    return known if known.num_rows else None


def _known_distances(distance: NDArray[np.float64], known: pa.Table) -> Bars:
    """Rows in the classes for which intervals are known, from the shortest to the longest row."""
    known = known.sort_by("from_m")
    edges = np.append(known["from_m"].to_numpy(), known["to_m"].to_numpy()[-1])
    counts, _ = np.histogram(distance, edges)
    filled = np.flatnonzero(counts) if counts.any() else np.array([0])
    kept = slice(filled[0], filled[-1] + 1)
    low, high = (known[end].to_numpy()[kept] for end in ("low", "high"))
    return Bars(edges[filled[0] : filled[-1] + 2], counts[kept], low, high)


def _even_distances(distance: NDArray[np.float64]) -> Bars:
    far = float(np.percentile(distance, 98)) if len(distance) else 1000.0
    step = nice_number(far / DISTANCE_BINS)
    bins = max(1, math.ceil(far / step))
    counts = np.bincount(np.minimum(distance // step, bins).astype(np.int64), minlength=bins + 1)
    return Bars(np.append(np.arange(bins + 1.0) * step, np.inf), counts)
