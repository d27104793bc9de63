"""Exact discrete Gaussian noise: whole arrays against one value at a time, and against floats.

    python -m tests.benchmarks.discrete_noise

One value at a time is the same algorithm, called once for each cell, as its authors publish it.
Rounded floats are no exact noise; they show what exactness costs.
"""

import secrets
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from tasks.privacy.discrete_noise import DiscreteNoise

CELLS = 100_000
SINGLES = 300
SIGMAS = (Fraction(5), Fraction(12_345, 1000), Fraction(1000))


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
            noise.gaussian(sigma, 1)

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
