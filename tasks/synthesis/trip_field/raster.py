"""Polygons on a raster: which share of each rectangle they cover."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

_SLIVER = 1e-6
"""A smaller share is none: less than ten positions of a part of 0.0025 degrees."""
_DOWN = 4
"""A rectangle that an outline crosses is looked at again in _DOWN x _DOWN parts."""

Floats = NDArray[np.floating[Any]]


def share_inside(
    shape: shapely.MultiPolygon,
    corner: tuple[float, float],
    size: tuple[float, float],
    count: tuple[int, int],
) -> Floats:
    """The share of every rectangle of a raster that lies inside a geometry.

    Only rectangles near an outline are cut with it; whole groups of others are told at once.

    Args:
        shape: The geometry, x east and y north.
        corner: South and west edge of the raster, degrees.
        size: Height and width of a rectangle, degrees.
        count: Rows and columns.

    Returns:
        Shares of 0 to 1, shape (rows, columns), from the south-west.

    Examples:
        >>> half = shapely.MultiPolygon([shapely.box(0, 0, 1.5, 1)])
        >>> share_inside(half, (0.0, 0.0), (0.5, 1.0), (2, 2)).tolist()
        [[1.0, 0.5], [1.0, 0.5]]
    """
    shapely.prepare(shape)
    share = np.zeros(count)
    step = _DOWN ** max(0, int(np.ceil(np.log(max(count)) / np.log(_DOWN))))
    row, column = np.zeros(1, np.int64), np.zeros(1, np.int64)
    while True:
        rectangles = _rectangles(corner, size, row, column, step)
        whole = shapely.covers(shape, rectangles)
        crossed = shapely.intersects(shape, rectangles) & ~whole
        if step == 1:
            share[row[whole], column[whole]] = 1
            pieces = shapely.intersection(shape, rectangles[crossed])
            exact = shapely.area(pieces) / (size[0] * size[1])
            share[row[crossed], column[crossed]] = np.where(
                exact > _SLIVER, np.minimum(exact, 1), 0
            )
            return share
        for first, left in zip(row[whole], column[whole], strict=True):
            share[first : first + step, left : left + step] = 1
        step //= _DOWN
        down, right = np.divmod(np.arange(_DOWN * _DOWN), _DOWN)
        row = (row[crossed, None] + down * step).ravel()
        column = (column[crossed, None] + right * step).ravel()
        on_raster = (row < count[0]) & (column < count[1])
        row, column = row[on_raster], column[on_raster]


def _rectangles(
    corner: tuple[float, float],
    size: tuple[float, float],
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    step: int,
) -> NDArray[np.object_]:
    south, west = corner[0] + row * size[0], corner[1] + column * size[1]
    return np.asarray(shapely.box(west, south, west + step * size[1], south + step * size[0]))
