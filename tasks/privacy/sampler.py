"""Poisson subsampling: every record enters every step independently with one probability.

A record is one unit of the guarantee: a trip, or under `vehicle_day` a vehicle with all its trips.
This is the sampling the accountant assumes. Shuffled or fixed-size batches are a different
mechanism with a weaker bound and are not offered.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.privacy.noise import fresh_generator


class PoissonSampler:
    """Draws the records of one step; one sampler per attempt, keyed from the OS's CSPRNG.

    Args:
        records: Number of records in the day, n >= 0.
        sampling_probability: Chance q of each record to enter each step, 0 < q <= 1.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, records: int, sampling_probability: float) -> None:
        if records < 0:
            raise ValueError(f"records must not be negative, is {records}")
        if not 0 < sampling_probability <= 1:
            raise ValueError(f"sampling_probability must be in (0, 1], is {sampling_probability}")
        self._records = records
        self._probability = sampling_probability
        self._generator = fresh_generator()

    def draw(self) -> NDArray[np.int64]:
        """Indices of the records of one step, ascending; possibly none, possibly all."""
        return np.flatnonzero(self._generator.random(self._records) < self._probability)
