"""A noisy count: how many units a day has, where that is private."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import dp_accounting

from tasks.privacy.discrete_noise import LARGEST, DiscreteNoise, check_size, round_up
from tasks.privacy.domination import dominating_laplace
from tasks.privacy.errors import StepsSpentError, TargetUnreachableError


@dataclass(frozen=True)
class NoisyCount:
    """A count with discrete Laplace noise. All fields are public.

    Attributes:
        sensitivity: By how much one unit (a trip, or a vehicle with all its trips) can change the
            count, >= 1.
        scale: Scale of the noise, > 0; its standard deviation is about 1.4 times that.

    Examples:
        >>> count = NoisyCount.within(0.05, sensitivity=1)
        >>> count.scale, count.epsilon
        (Fraction(20, 1), 0.05)
        >>> round(1 / count.event().noise_multiplier, 6)
        0.050625
    """

    sensitivity: int
    scale: Fraction

    def __post_init__(self) -> None:
        if self.sensitivity < 1:
            raise ValueError(f"sensitivity {self.sensitivity} is not a positive integer")
        check_size(self.scale)

    @classmethod
    def within(cls, epsilon: float, sensitivity: int) -> "NoisyCount":
        """The least noise that keeps a pure epsilon > 0.

        Raises:
            TargetUnreachableError: If that is more noise than can be drawn.
        """
        scale = sensitivity / Fraction(epsilon)
        if scale >= LARGEST - 1:
            raise TargetUnreachableError(
                f"a count keeps no epsilon as small as {epsilon:g}; promise a larger one"
            )
        return cls(sensitivity, round_up(scale))

    @property
    def epsilon(self) -> float:
        """The pure epsilon of the count by itself."""
        return float(self.sensitivity / self.scale)

    def event(self) -> dp_accounting.DpEvent:
        """The continuous Laplace event that dominates this count."""
        return dominating_laplace(self.epsilon)

    def describe(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return {"sensitivity": self.sensitivity, "scale": str(self.scale)}

    def begin(self) -> "NoisyCountRun":
        """Start an attempt."""
        return NoisyCountRun(self)


class NoisyCountRun:
    """One attempt; it measures once."""

    def __init__(self, mechanism: NoisyCount) -> None:
        self.mechanism = mechanism
        self._noise = DiscreteNoise()
        self._is_spent = False

    def measure(self, count: int) -> int:
        """The count with noise; it may be negative.

        Raises:
            StepsSpentError: If this attempt has measured already.
        """
        if self._is_spent:
            raise StepsSpentError("the accounted count was measured already; none is left")
        self._is_spent = True
        (noise,) = self._noise.laplace(self.mechanism.scale, 1)
        return count + int(noise)
