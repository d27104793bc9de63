"""Filters on generated rows that look at the training rows. For the study only.

Whether a row passes tells of the training rows, so what they let through is not private, whatever
the training was (rule 8). The study shows what they do beside training under a guarantee.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.comparison import Filters, MixedDistance, TripDistance
from tasks.study.nearest import nearest


@dataclass(frozen=True)
class Passing:
    """Which generated rows pass.

    Attributes:
        similarity: No training row is too near; shape (rows,).
        outliers: Enough training rows are near; shape (rows,).
    """

    similarity: NDArray[np.bool_]
    outliers: NDArray[np.bool_]

    @property
    def both(self) -> NDArray[np.bool_]:
        """Both at once."""
        return self.similarity & self.outliers


def passing(
    rows: pa.Table,
    training: pa.Table,
    held_out: pa.Table,
    distance: TripDistance | MixedDistance,
    filters: Filters,
) -> Passing:
    """Apply both filters.

    Args:
        rows: Generated rows.
        training: What they are compared with.
        held_out: Rows that were not trained on; shares of them are what filters are set by.
        distance: How far two rows are apart.
        filters: The shares.
    """
    near = np.quantile(nearest(held_out, training, distance), filters.similar_share)
    around = nearest(held_out, training, distance, filters.neighbours)
    far = np.quantile(around, 1 - filters.outlying_share)
    return Passing(
        nearest(rows, training, distance) > near,
        nearest(rows, training, distance, filters.neighbours) <= far,
    )
