"""How strong something is at every hour of the day: a level plus bumps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A positive function of the local hour, of period 24.

    Examples:
        >>> Curve(1.0, (8.0, 1.5, 2.0))(np.array([8.0, 20.0])).round(2).tolist()
        [3.0, 1.0]
    """

    level: float
    bumps: tuple[tuple[float, float, float], ...]

    def __init__(self, level: float, *bumps: tuple[float, float, float]) -> None:
        object.__setattr__(self, "level", level)
        object.__setattr__(self, "bumps", bumps)

    def __call__(self, hour: Floats) -> Floats:
        """Values at hours of the day, 0 to 24."""
        value = np.full(np.shape(hour), self.level)
        for peak, width, height in self.bumps:
            away = np.abs((hour - peak + 12) % 24 - 12)
            value += height * np.exp(-0.5 * (away / width) ** 2)
        return value
