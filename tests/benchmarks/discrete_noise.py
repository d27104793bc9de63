"""Exact discrete Gaussian noise: whole arrays against one value at a time, and against floats.

    python -m tests.benchmarks.discrete_noise

One value at a time is the same algorithm over Python's integers, written as the paper has it
(Canonne, Kamath and Steinke 2020). Rounded floats are no exact noise; they show what exactness
costs.
"""

import math
import secrets
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from tasks.privacy.discrete_noise import DiscreteNoise

CELLS = 100_000
SINGLES = 300
SIGMAS = (Fraction(5), Fraction(12_345, 1000), Fraction(1000))


def flag(chance: Fraction) -> bool:
    """True with a rational probability."""
    return secrets.randbelow(chance.denominator) < chance.numerator


def flag_exp(exponent: Fraction) -> bool:
    """True with probability exp(-exponent)."""
    while exponent > 1:
        if not flag_exp(Fraction(1)):
            return False
        exponent -= 1
    trial = 1
    while flag(exponent / trial):
        trial += 1
    return trial % 2 == 1


def one_laplace(scale: int) -> int:
    """One discrete Laplace variable."""
    while True:
        rest = secrets.randbelow(scale)
        if not flag_exp(Fraction(rest, scale)):
            continue
        successes = 0
        while flag_exp(Fraction(1)):
            successes += 1
        negative, size = secrets.randbelow(2), rest + scale * successes
        if not negative or size:
            return -size if negative else size


def one_gaussian(sigma: Fraction) -> int:
    """One discrete Gaussian variable."""
    scale = math.floor(sigma) + 1
    while True:
        drawn = one_laplace(scale)
        excess = abs(drawn) - sigma**2 / scale
        if flag_exp(excess**2 / (2 * sigma**2)):
            return drawn


def seconds(run: Callable[..., object], *arguments: object) -> float:
    """The least time of five runs, seconds."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        run(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print a line for each sigma."""
    noise, floats = DiscreteNoise(), np.random.default_rng(secrets.randbits(128))

    def one_at_a_time(sigma: Fraction) -> None:
        for _ in range(SINGLES):
            one_gaussian(sigma)

    def rounded(sigma: Fraction) -> None:
        np.rint(floats.normal(0, float(sigma), CELLS))

    for sigma in SIGMAS:
        together = seconds(noise.gaussian, sigma, CELLS)
        single = seconds(one_at_a_time, sigma) * CELLS / SINGLES
        print(
            f"sigma {float(sigma):g}: {together:.2f} s for {CELLS:,} cells, "
            f"{single / together:.0f} times as fast as one at a time, "
            f"{together / seconds(rounded, sigma):.0f} times as slow as rounded floats"
        )


if __name__ == "__main__":
    main()
