"""Exact discrete noise for counts: integers in, integers out, and no float on the way.

Counts are not noised with rounded continuous noise: what a float can and cannot represent would
tell them apart (Mironov 2012, "On significance of the least significant bits for differential
privacy"). The samplers here follow Canonne, Kamath and Steinke 2020, "The Discrete Gaussian for
Differential Privacy": everything is built from uniform random integers by comparisons, so that
each value has exactly its probability. Parameters are rational; every bit is taken from the
operating system's CSPRNG.

Not covered: how long a draw takes depends on what is drawn. Nothing public tells the time of a
nightly batch to that precision.
"""

import math
import secrets
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
RandomBytes = Callable[[int], bytes]
"""Gives that many bytes, every bit uniform and independent."""

LARGEST = 2**30
"""Bound on the numerator and the denominator of a parameter, so that 64 bits hold every product."""

GRAIN = 1000
"""Sizes of noise below GRAIN are multiples of 1 / GRAIN, others are integers: they are exact."""


class DiscreteNoise:
    """A source of independent integers; one per attempt.

    Args:
        random_bytes: Where the bits are from. Default: the operating system's CSPRNG. Anything
            else is for tests.
    """

    def __init__(self, random_bytes: RandomBytes | None = None) -> None:
        self._random_bytes = random_bytes or secrets.token_bytes

    def laplace(self, scale: Fraction, size: int) -> Integers:
        """Integers x with probability proportional to exp(-|x| / scale).

        Args:
            scale: Positive, with numerator and denominator below 2**30.
            size: How many.

        Returns:
            Shape (size,).

        Raises:
            ValueError: If the scale is out of range.
        """
        check_size(scale)
        return self._until_accepted(size, lambda count: self._try_laplace(scale, count))

    def gaussian(self, sigma: Fraction, size: int) -> Integers:
        """Integers x with probability proportional to exp(-x^2 / (2 sigma^2)).

        Args:
            sigma: Positive, with numerator and denominator below 2**30. The standard deviation
                is at most this, and equal to it for all purposes from 2 on.
            size: How many.

        Returns:
            Shape (size,).

        Raises:
            ValueError: If sigma is out of range.
        """
        check_size(sigma)
        return self._until_accepted(size, lambda count: self._try_gaussian(sigma, count))

    def _until_accepted(
        self, size: int, attempt: Callable[[int], tuple[Integers, Flags]]
    ) -> Integers:
        drawn = np.empty(size, np.int64)
        left = np.arange(size)
        while left.size:
            values, accepted = attempt(left.size)
            drawn[left[accepted]] = values[accepted]
            left = left[~accepted]
        return drawn

    def _try_laplace(self, scale: Fraction, count: int) -> tuple[Integers, Flags]:
        """One round of their algorithm 2: a two-sided geometric variable in steps of 1 / g."""
        s, g = scale.numerator, scale.denominator
        rest = self._below(np.full(count, s))
        accepted = self._exp_at_most_one(rest, np.full(count, s))
        size = (rest + s * self._geometric(count)) // g
        negative = self._below(np.full(count, 2)) == 1
        accepted &= ~(negative & (size == 0))  # zero would be counted twice
        return np.where(negative, -size, size), accepted

    def _try_gaussian(self, sigma: Fraction, count: int) -> tuple[Integers, Flags]:
        """One round of their algorithm 3, with a discrete Laplace variable of scale sigma.

        It is accepted with probability exp(-e^2 / (2 s^2)) for e = |x| g - s and sigma = s / g.
        With e = q s + r the exponent is q^2 / 2 + q r / s + r^2 / (2 s^2): no large product.
        """
        s, g = sigma.numerator, sigma.denominator
        values = self.laplace(sigma, count)
        q, r = np.divmod(np.abs(np.abs(values) * g - s), s)
        accepted = self._exp(q * q, np.full(count, 2))
        accepted &= self._exp(q * r, np.full(count, s))
        accepted &= self._exp(r * r, np.full(count, 2 * s * s))
        return values, accepted

    def _exp(self, a: Integers, b: Integers) -> Flags:
        """Flags that are true with probability exp(-a / b), a >= 0."""
        whole, rest = np.divmod(a, b)
        flags = self._exp_at_most_one(rest, b)
        going = np.flatnonzero(flags & (whole > 0))
        while going.size:
            lucky = self._exp_minus_one(going.size)
            flags[going[~lucky]] = False
            whole[going] -= 1
            going = going[lucky & (whole[going] > 0)]
        return flags

    def _exp_at_most_one(self, a: Integers, b: Integers) -> Flags:
        """Flags that are true with probability exp(-a / b), 0 <= a <= b (their algorithm 1).

        The number of successes of trials of probability a / b, a / 2b, a / 3b, ... before the
        first failure is even with that probability, by the series of the exponential function.
        """
        flags = np.zeros(a.size, bool)
        going = np.arange(a.size)
        trial = 1
        while going.size:
            success = self._below(b[going]) < a[going]
            success &= self._below(np.full(going.size, trial)) == 0
            flags[going[~success]] = trial % 2 == 1
            going = going[success]
            trial += 1
        return flags

    def _exp_minus_one(self, count: int) -> Flags:
        """Flags that are true with probability exp(-1)."""
        one = np.ones(count, np.int64)
        return self._exp_at_most_one(one, one)

    def _geometric(self, count: int) -> Integers:
        """Numbers of successes of probability exp(-1) before the first failure."""
        successes = np.zeros(count, np.int64)
        going = np.arange(count)
        while going.size:
            going = going[self._exp_minus_one(going.size)]
            successes[going] += 1
        return successes

    def _below(self, bound: Integers) -> Integers:
        """Uniform integers from 0 to bound - 1: just enough bits, drawn again if too large."""
        mask = bound - 1
        for shift in (1, 2, 4, 8, 16, 32):
            mask = mask | mask >> shift
        drawn = self._words(bound.size) & mask
        late = np.flatnonzero(drawn >= bound)
        while late.size:
            drawn[late] = self._words(late.size) & mask[late]
            late = late[drawn[late] >= bound[late]]
        return drawn

    def _words(self, count: int) -> Integers:
        return np.frombuffer(self._random_bytes(8 * count), np.int64)


def check_size(parameter: Fraction) -> None:
    """Refuse a scale or a sigma that the samplers cannot draw.

    Raises:
        ValueError: If it is not positive, or its numerator or denominator is not below 2**30.
    """
    if not (0 < parameter.numerator < LARGEST and parameter.denominator < LARGEST):
        raise ValueError(
            f"noise of size {parameter} is out of range; it must be positive, with numerator and "
            f"denominator below {LARGEST}"
        )


def round_up(value: Fraction) -> Fraction:
    """The next size of noise that is taken; see `GRAIN`."""
    grain = GRAIN if value < GRAIN else 1
    return Fraction(math.ceil(value * grain), grain)
