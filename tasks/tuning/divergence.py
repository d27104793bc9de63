"""Trainings whose weights have left all bounds."""

import numpy as np
from numpy.typing import NDArray

from tasks.tuning.errors import DivergedError

_LARGEST = 1e15
"""The product of two larger weights may be no number any more, and nothing is drawn of that."""


def refuse_diverged(weights: NDArray[np.float32], steps: int) -> None:
    """Refuse weights after so many steps of which nothing can be drawn.

    Raises:
        DivergedError: If one is too large, or no number.
    """
    if not np.abs(weights).max() < _LARGEST:  # nor if one is no number
        raise DivergedError(f"weights over {_LARGEST:g} after {steps} steps")
