"""What the true number of a day may be, given its law, its own noisy count, and their errors.

The number N is a draw of the day around its law L, which the fit found to be m, with the variance V
(`law`); y is its own noisy count, with the variance S, where there is one:

    L = m +- sqrt(V)        what the noise leaves open
    N = L +- sqrt(D)        D = (1 + c) L (1 - L / n) + (t L)^2
    y = N +- sqrt(S)

The day's draw D is that of a multinomial law of n trips, and what a fitted law misses: c of it is
rough, as where trips come in groups, and t is its share of a number.

The fit took y for a count of L, so V is what is left after y. Without it, L has the mean
(m - k y) / (1 - k) and the variance V / (1 - k), with k = V / S; to which D is added before y is
taken in again, by inverse variance.
"""

import numpy as np
from scipy import stats

from tasks.synthesis.trip_field.counted import Counted
from tasks.synthesis.trip_field.lattice import Floats
from tasks.synthesis.trip_field.law import Law
from tasks.synthesis.trip_field.misfit import Misfit

LEVEL = 0.9
"""Probability of an interval."""
_MOST_KNOWN = 0.95
"""Of what is known of a law, at most this share is taken to come from the number's own count."""


def true_number(
    law: Law, counted: Counted, trips: int, misfit: Misfit, missed: Floats | float = 0.0
) -> Law:
    """Mean and variance of true numbers.

    Args:
        law: What the fit expects.
        counted: What was counted of the numbers themselves.
        trips: Number of all trips.
        misfit: What the law misses.
        missed: Variance of what else it misses.

    Examples:
        A count without noise is the true number, one with much noise says nothing:

        >>> law = Law(np.array([50.0, 50.0]), np.array([100.0, 100.0]))
        >>> seen = Counted(np.array([70.0, 70.0]), np.array([0.01, 1e9]))
        >>> found = true_number(law, seen, 1_000_000, Misfit())
        >>> found.mean.round(1).tolist(), np.sqrt(found.variance).round(1).tolist()
        ([70.0, 50.0], [0.1, 12.2])
    """
    share = np.clip(law.mean / trips, 0, 1)
    day = (1 + misfit.rough) * law.mean * (1 - share) + (misfit.share * law.mean) ** 2 + missed
    known = np.minimum(law.variance / counted.variance, _MOST_KNOWN)
    whole = law.variance / (1 - known) + day
    gain = whole / (whole + counted.variance)
    pull = (gain - known) / (1 - known)
    mean = law.mean + pull * (counted.values - law.mean)
    return Law(np.clip(mean, 0, trips), np.asarray(whole * (1 - gain)))


def interval(number: Law, level: float = LEVEL) -> tuple[Floats, Floats]:
    """The ends of an interval that holds each number with about that probability.

    Numbers are whole and not negative, with a negative binomial distribution where they vary more
    than their mean, otherwise a rounded normal one. An end counts half, for whether it is within
    is decided by what is left of the tail: so intervals hold the number as often as they say, not
    more often (the mid-p rule of A. Agresti, "Categorical Data Analysis", 2013, section 16.6).
    Where zero is within, all that may be outside is above. No interval is zero alone: that nothing
    was there is more than noisy counts can say.

    Args:
        number: Mean and variance, > 0.
        level: Between 0 and 1.

    Returns:
        Low and high, whole numbers, shape (targets,) each.

    Examples:
        >>> low, high = interval(Law(np.array([0.5, 10.0, 900.0]), np.array([1.0, 9.0, 100.0])))
        >>> low.tolist(), high.tolist()
        ([0.0, 5.0, 884.0], [1.0, 14.0, 916.0])
    """
    whole = _Whole(number)
    low = whole.quantile((1 - level) / 2)
    left = 1 - level - whole.below(low)
    high = whole.quantile(1 - left)
    high = np.where(whole.middle(high) > 1 - left, high - 1, high)
    return low, np.maximum(high, np.maximum(low, 1))


class _Whole:
    """Distributions of whole numbers by their means and variances."""

    def __init__(self, number: Law) -> None:
        self._mean, self._spread = number.mean, np.sqrt(number.variance)
        self._is_wide = number.variance > number.mean * (1 + 1e-6)
        excess = np.where(self._is_wide, number.variance - number.mean, 1.0)
        mean = np.maximum(number.mean, 1e-9)
        self._size = mean**2 / excess
        self._success = self._size / (self._size + mean)

    def below(self, value: Floats) -> Floats:
        """Probability of less."""
        normal = stats.norm.cdf((value - 0.5 - self._mean) / self._spread)
        normal = np.where(value > 0, normal, 0)
        wide = stats.nbinom.cdf(value - 1, self._size, self._success)
        return np.where(self._is_wide, wide, normal)

    def middle(self, value: Floats) -> Floats:
        """Probability of less, and half of that of the value itself."""
        return np.asarray((self.below(value) + self.below(value + 1)) / 2)

    def quantile(self, probability: float | Floats) -> Floats:
        """The smallest value whose middle is not less than a probability."""
        normal = np.ceil(self._mean + self._spread * stats.norm.ppf(probability) - 0.5)
        wide = stats.nbinom.ppf(probability, self._size, self._success)
        found = np.where(self._is_wide, wide, np.maximum(normal, 0))
        return np.where(self.middle(found) < probability, found + 1, found)
