"""Unusual places: by how much a prediction has to be loosened before it admits what was seen.

Innovations, what was counted less what was predicted, are held against their standard deviation at
several scales: each cell by itself, and the cells of a place (a cell of the lattice, a block, an
area) together, once as a sum, where all deviate to one side, and once as a sum of squares. The
result is a factor of the variance of each prediction: 1 where nothing is surprising, otherwise what
makes the innovation as large as its standard deviation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.synthesis.trip_field.lattice import Floats, Integers


@dataclass(frozen=True)
class Loosening:
    """Factors of the variances of predictions, each >= 1, shape (cells,).

    Attributes:
        alone: What the cell needs by itself.
        together: What the cell needs by itself, or as one of those that deviate together.
    """

    alone: Floats
    together: Floats


def loosening(
    innovation: Floats, predicted: Floats, noise: float, scales: Sequence[Integers], limit: float
) -> Loosening:
    """How far to loosen the predictions of a table.

    Args:
        innovation: Counted less predicted, in any unit, shape (cells,).
        predicted: Variances of the predictions, in its square, > 0, shape (cells,).
        noise: Variance of the noise of each count, > 0.
        scales: For each scale the place of every cell (`Layout.scales`).
        limit: More standard deviations than this are surprising.

    Examples:
        >>> seen = np.array([0.5, -0.2, 12.0, 3.0, 3.0, 3.0])
        >>> factors = loosening(seen, np.ones(6), 1.0, [np.array([0, 0, 0, 1, 1, 1])], 3.0)
        >>> factors.alone.tolist()
        [1.0, 1.0, 143.0, 1.0, 1.0, 1.0]
        >>> factors.together.round(1).tolist()
        [1.0, 1.0, 143.0, 26.0, 26.0, 26.0]
    """
    total = predicted + noise
    alone = np.where(innovation**2 > limit**2 * total, (innovation**2 - noise) / predicted, 1.0)
    # one cell by itself is no unusual block
    held = np.clip(innovation, -limit * np.sqrt(total), limit * np.sqrt(total))
    together = alone
    for place in scales:
        members = np.bincount(place)
        variance, noises = np.bincount(place, predicted), members * noise
        side, square = np.bincount(place, held) ** 2, np.bincount(place, held**2)
        to_one_side = side > limit**2 * (variance + noises)
        excess = np.bincount(place, held**2 / total) - members
        to_any_side = excess > limit * np.sqrt(2 * members)
        factor = np.maximum(
            np.where(to_one_side, (side - noises) / variance, 1.0),
            np.where(to_any_side, (square - noises) / variance, 1.0),
        )
        together = np.maximum(together, factor[place])
    return Loosening(alone, together)
