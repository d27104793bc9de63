"""What a fit goes by: the counts of a day, each as far as it is known."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tasks.synthesis.trip_field.lattice import Floats
from tasks.synthesis.trip_field.measurements import Measurements


@dataclass(frozen=True)
class Evidence:
    """Counts of a day with independent normal errors; differentially private already.

    Attributes:
        values: For each table the counts, shape (cells,); they may be negative.
        stddev: For each table the standard deviation of every count's error, shape (cells,).
    """

    values: Mapping[str, Floats]
    stddev: Mapping[str, Floats]

    @classmethod
    def of(cls, measurements: Measurements) -> "Evidence":
        """What a day's measurements say by themselves."""
        return cls.measured(measurements.estimates)

    @classmethod
    def measured(cls, seen: Mapping[str, tuple[Floats, float]]) -> "Evidence":
        """Noisy counts, shape (cells,), each with the standard deviation of all their noise."""
        return cls(
            {name: values for name, (values, _) in seen.items()},
            {name: np.full(len(values), stddev) for name, (values, stddev) in seen.items()},
        )
