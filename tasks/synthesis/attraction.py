"""Where trips end, as far as where they begin tells: the attraction of every distance and bearing.

People go where people come from. So a destination draws trips as the origins' map has trips there,
before anything is learnt of destinations: what a network learns of distances and bearings is what
remains beyond that (the law of gravity: Wilson 1967, "A statistical theory of spatial
distribution models").
"""

import numpy as np
import tensorflow as tf

from tasks.mobility.distance import EARTH_RADIUS_M
from tasks.synthesis.grid import BEARINGS, SPLIT, Floats, Grid

_EMPTY, _OUTSIDE = 0.1, 0.002
"""Attraction of a place without any origins, and beyond the box, relative to an average place;
chosen on simulated cities."""


def popularity(digits: tf.Tensor) -> tf.Tensor:
    """The origins' density by cell, each the mean of the 3 x 3 cells around it.

    Single cells of few trips are mostly noise.

    Args:
        digits: Probability of an origin's first one or two digits in its area, shape (areas, 64)
            or (areas, 64, 64).

    Returns:
        Relative to uniform, by row from the south and column from the west, shape
        (areas, side, side).
    """
    levels = len(digits.shape) - 1
    rows_and_columns = tf.reshape(digits, [digits.shape[0], *(SPLIT,) * (2 * levels)])
    rows, columns = (range(first, 2 * levels + 1, 2) for first in (1, 2))
    side = SPLIT**levels
    ordered = tf.transpose(rows_and_columns, [0, *rows, *columns])
    cells = tf.reshape(ordered, [digits.shape[0], side, side, 1]) * side**2
    return tf.nn.avg_pool2d(cells, 3, 1, "SAME")[..., 0]


def attraction(
    grid: Grid, popular: tf.Tensor, records: tf.Tensor, distances_m: tf.Tensor
) -> tf.Tensor:
    """How much the places at some distances draw trips, in every direction from their origins.

    Args:
        grid: The public grid.
        popular: As `popularity` gives it.
        records: Tokens, shape (n, tokens), of which area and origin are read.
        distances_m: Shape (n, distances), or (1, distances) for distances that all share.

    Returns:
        Relative to an average place of the area, positive, shape (n, distances, bearings).
    """
    area = tf.maximum(records[:, 0], 0)
    south, west, north, east = np.radians(grid.corners).T.astype(np.float32)
    y, x = _centres(tf.maximum(records[:, 2 : 2 + grid.levels], 0))
    height_m = tf.gather((north - south) * np.float32(EARTH_RADIUS_M), area)
    width_m = tf.gather((east - west) * np.float32(EARTH_RADIUS_M), area)
    width_m *= tf.cos(tf.gather(south, area) + y * tf.gather(north - south, area))
    angle = ((np.arange(BEARINGS) + 0.5) * (2 * np.pi / BEARINGS)).astype(np.float32)
    side = popular.shape[1]

    def reached(place: tf.Tensor, size_m: tf.Tensor, share: Floats) -> tf.Tensor:
        """Row or column of the cell that each offset leads to."""
        away = (distances_m / size_m[:, None])[:, :, None] * share
        return tf.cast(tf.floor((place[:, None, None] + away) * side), tf.int32)

    to_row, to_column = reached(y, height_m, np.cos(angle)), reached(x, width_m, np.sin(angle))
    inside = (to_row >= 0) & (to_row < side) & (to_column >= 0) & (to_column < side)
    cell = (area[:, None, None] * side + to_row) * side + to_column
    found = tf.gather(tf.reshape(popular, [-1]), tf.where(inside, cell, 0))
    return tf.where(inside, (1 - _EMPTY) * found + _EMPTY, _OUTSIDE)


def _centres(digits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """How far north and east the centres of cells lie, parts of their box, shape (n,) each."""
    place = tf.constant(SPLIT ** np.arange(digits.shape[1] - 1, -1, -1), tf.int32)
    north, east = (
        (tf.cast(tf.reduce_sum(part * place, axis=1), tf.float32) + 0.5) / SPLIT ** digits.shape[1]
        for part in (digits // SPLIT, digits % SPLIT)
    )
    return north, east
