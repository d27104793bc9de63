"""Mechanisms that measure integers: a noisy count, and a Gaussian measurement of tables of counts.

Both add exact discrete noise (`discrete_noise`). dp_accounting 0.4.3 has no event for either, and
its events for the continuous namesakes would understate them, so each describes itself by an
event that provably dominates it: no divergence between two neighbouring days' outputs is larger
than between those of the event, before and after composition.

**Discrete Laplace.** With sensitivity 1 and scale t it is randomised response at e = 1 / t, which
dominates all mechanisms that are (e, 0)-differentially private (Kairouz, Oh and Viswanath 2015),
the continuous Laplace mechanism of scale t strictly. Randomised response has the hockey-stick
divergence (E - u^2) / (1 + E) at the level u^2, with E = exp(e) and 1 <= u^2 <= E; the continuous
mechanism of scale 1 / e' has 1 - u exp(-e' / 2) there. For e' = 2 log((1 + E) / 2) the latter
exceeds the former by (u - 1)^2 / (1 + E), which is never negative; levels below one follow by
symmetry. So `LaplaceDpEvent(1 / e')` dominates every (e, 0)-differentially private mechanism.

**Discrete Gaussian.** Draw y from the continuous Gaussian of variance sigma^2 - s^2 around an
integer, then an integer x with probability proportional to exp(-(x - y)^2 / (2 s^2)): x is the
discrete Gaussian of variance sigma^2 around that integer, but for the normalisation of the second
draw, which depends on y by a factor within 1 +- 2 exp(-2 pi^2 s^2) (by Poisson's summation
formula; C. Peikert 2010, "An Efficient and Parallel Gaussian Sampler for Lattices"). With s^2 = 2
that is 1.4e-17 for each cell that a record touches, less than the accountants round. So the
measurement is post-processing of a continuous one with variance sigma^2 - 2, for any number of
cells and any record: `GaussianDpEvent(sqrt(sigma^2 - 2) / sensitivity)`. Without the 2 the event
would understate deltas near 1e-6: at sigma = 2 by a fifth, at sigma = 10 by a hundredth.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import dp_accounting
import numpy as np
from numpy.typing import NDArray

from tasks.privacy.discrete_noise import LARGEST, DiscreteNoise, check_size
from tasks.privacy.errors import StepsSpentError, TargetUnreachableError

Counts = NDArray[np.int64]

GRAIN = 1000
"""Sizes of noise below GRAIN are multiples of 1 / GRAIN, others are integers: they are exact."""
LEAST_SIGMA = 2
_SMOOTHING_VARIANCE = 2


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
        """The continuous Laplace event that dominates this count; see the module."""
        dominating = 2 * math.log1p(math.expm1(self.epsilon) / 2)
        return dp_accounting.LaplaceDpEvent(1 / dominating)

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


@dataclass(frozen=True)
class CountTable:
    """A table of counts, and how much of it one record can touch.

    Attributes:
        cells: Number of cells, >= 1.
        per_record: A record adds 1 to at most this many cells, or several times to one, >= 1.
    """

    cells: int
    per_record: int = 1

    def __post_init__(self) -> None:
        if self.cells < 1 or self.per_record < 1:
            raise ValueError(f"a table needs cells and records that touch them, got {self}")


@dataclass(frozen=True)
class GaussianMeasurement:
    """Tables of counts, all measured at once with discrete Gaussian noise. All fields are public.

    The sensitivity is not stated but follows from the tables, the worst case included: a record
    whose two ends lie in one cell adds 2 to it.

    Attributes:
        tables: The tables that are counted.
        sigma: Parameter of the noise on every cell, >= 2.

    Examples:
        Hours, and the cells of origin and destination in one table of 64:

        >>> tables = (CountTable(24), CountTable(64, per_record=2))
        >>> measurement = GaussianMeasurement(tables, Fraction(20))
        >>> measurement.l2_sensitivity_squared
        5
        >>> round(measurement.event().noise_multiplier, 4)
        8.9219
    """

    tables: tuple[CountTable, ...]
    sigma: Fraction

    def __post_init__(self) -> None:
        if not self.tables:
            raise ValueError("a measurement needs at least one table")
        self.event()

    @classmethod
    def with_noise(
        cls, tables: tuple[CountTable, ...], noise_multiplier: float
    ) -> "GaussianMeasurement":
        """The measurement whose sigma is a multiple of its sensitivity, at least 2."""
        sensitivity = math.sqrt(sum(table.per_record**2 for table in tables))
        sigma = round_up(Fraction(noise_multiplier * sensitivity))
        return cls(tables, max(sigma, Fraction(LEAST_SIGMA)))

    @property
    def l2_sensitivity_squared(self) -> int:
        """The square of the largest L2 norm of one record's counts over all tables together."""
        return sum(table.per_record**2 for table in self.tables)

    def event(self) -> dp_accounting.DpEvent:
        """The continuous Gaussian event that dominates this measurement; see the module."""
        return dominating_gaussian(self.sigma, self.l2_sensitivity_squared)

    def begin(self) -> "GaussianMeasurementRun":
        """Start an attempt."""
        return GaussianMeasurementRun(self)


class GaussianMeasurementRun:
    """One attempt; it measures once."""

    def __init__(self, mechanism: GaussianMeasurement) -> None:
        self.mechanism = mechanism
        self._noise = DiscreteNoise()
        self._is_spent = False

    def measure(self, touched: list[Counts]) -> list[Counts]:
        """Count and add noise.

        Args:
            touched: For each table the cells that each record adds 1 to, shape
                (records, per_record); -1 stands for none.

        Returns:
            For each table the noisy counts, shape (cells,); they may be negative.

        Raises:
            StepsSpentError: If this attempt has measured already.
            ValueError: If an array does not fit its table.
        """
        if self._is_spent:
            raise StepsSpentError("the accounted tables were measured already; none is left")
        self._is_spent = True
        return [
            _counted(table, cells) + self._noise.gaussian(self.mechanism.sigma, table.cells)
            for table, cells in zip(self.mechanism.tables, touched, strict=True)
        ]


def dominating_gaussian(sigma: Fraction, l2_sensitivity_squared: int) -> dp_accounting.DpEvent:
    """The event for discrete Gaussian noise on integers; see the module.

    Args:
        sigma: Parameter of the noise on every integer, >= 2.
        l2_sensitivity_squared: Square of the L2 norm of the largest change that one unit makes,
            over all integers together.

    Raises:
        ValueError: If sigma is under 2, or too large to be drawn.
    """
    check_size(sigma)
    if sigma < LEAST_SIGMA:
        raise ValueError(f"sigma {sigma} is under {LEAST_SIGMA}")
    variance = float(sigma**2 - _SMOOTHING_VARIANCE)
    return dp_accounting.GaussianDpEvent(math.sqrt(variance / l2_sensitivity_squared))


def _counted(table: CountTable, touched: Counts) -> Counts:
    if touched.ndim != 2 or touched.shape[1] != table.per_record:
        raise ValueError(f"{table} needs cells of shape (records, {table.per_record})")
    flat = touched[touched >= 0]
    if flat.size and flat.max() >= table.cells:
        raise ValueError(f"{table} has no cell {flat.max()}")
    return np.bincount(flat, minlength=table.cells)


def round_up(value: Fraction) -> Fraction:
    """The next size of noise that the samplers draw exactly; see `GRAIN`."""
    grain = GRAIN if value < GRAIN else 1
    return Fraction(math.ceil(value * grain), grain)
