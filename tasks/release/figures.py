"""The numbers behind the page's plots, all of them counts of published rows."""

import math
from collections.abc import Mapping
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
class Figures:
    """What the page plots.

    Attributes:
        areas: One entry per service area, busiest first.
        cell_m: Side of a map cell in metres, the same on all maps.
        hours: Rows per local hour, shape (24,).
        distance_step_m: Width of a bar of the distance plot, metres.
        distances: Rows per bar, the first from 0 m; the last holds all longer trips.
        median_m: Median distance in metres; NaN without rows.
    """

    areas: tuple[AreaFigures, ...]
    cell_m: int
    hours: NDArray[np.int64]
    distance_step_m: int
    distances: NDArray[np.int64]
    median_m: float


def figures_of(table: pa.Table, boxes: tuple[Box, ...]) -> Figures:
    """Count published rows for the plots.

    Args:
        table: Columns as `tasks.schema.RELEASE`.
        boxes: The service area.
    """
    origins, destinations = (
        table.select(["area", "hour", f"{end}_latitude", f"{end}_longitude"]).rename_columns(_PLACE)
        for end in ("origin", "destination")
    )
    return _figures(origins, destinations, table["distance_m"].to_numpy(), boxes)


def figures_of_ends(tables: Mapping[str, pa.Table], boxes: tuple[Box, ...]) -> Figures:
    """Count published starts and ends, and the lengths of modelled trips, for the plots.

    Args:
        tables: The rows of `starts`, `ends` and `modelled_trips`.
        boxes: The service area.
    """
    distance = tables["modelled_trips"]["distance_m"].to_numpy()
    return _figures(tables["starts"], tables["ends"], distance, boxes)


def _figures(
    origins: pa.Table,
    destinations: pa.Table,
    distance: NDArray[np.float64],
    boxes: tuple[Box, ...],
) -> Figures:
    longest_m = max(max(size_m(box)) for box in boxes)
    along = min(max(math.sqrt(destinations.num_rows), MAP_CELLS[0]), MAP_CELLS[1])
    cell_m = 10 * nice_number(longest_m / along / 10)
    areas = [_area(origins, destinations, box, cell_m) for box in boxes]
    step, distances = _distances(distance)
    return Figures(
        areas=tuple(sorted(areas, key=lambda area: (-area.trips, area.box.name))),
        cell_m=cell_m,
        hours=np.bincount(destinations["hour"].to_numpy(), minlength=24),
        distance_step_m=step,
        distances=distances,
        median_m=float(np.median(distance)) if len(distance) else math.nan,
    )


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
        _cells(table["latitude"].to_numpy(), table["longitude"].to_numpy(), box, cell_m)
        for table in inside
    ]
    return AreaFigures(box, inside[1].num_rows, *maps)


def _cells(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], box: Box, cell_m: int
) -> NDArray[np.int64]:
    width, height = size_m(box)
    shape = math.ceil(height / cell_m), math.ceil(width / cell_m)
    north = (latitude - box.south) / (box.north - box.south) * height / cell_m
    east = (longitude - box.west) / (box.east - box.west) * width / cell_m
    row = np.clip(north.astype(np.int64), 0, shape[0] - 1)
    column = np.clip(east.astype(np.int64), 0, shape[1] - 1)
    flat = np.bincount(row * shape[1] + column, minlength=shape[0] * shape[1])
    return flat.reshape(shape)


def _distances(distance: NDArray[np.float64]) -> tuple[int, NDArray[np.int64]]:
    far = float(np.percentile(distance, 98)) if len(distance) else 1000.0
    step = nice_number(far / DISTANCE_BINS)
    bins = max(1, math.ceil(far / step))
    counts = np.bincount(np.minimum(distance // step, bins).astype(np.int64), minlength=bins + 1)
    return step, counts
