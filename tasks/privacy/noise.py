"""Gaussian noise, fresh and secret.

Every attempt makes its own `GaussianNoise`, keyed with 256 bits from the operating system's
CSPRNG. The key lives only inside the generator: it is never returned, written or logged, so a
released vector cannot be denoised by replaying it, and two attempts never share noise.

Floating point, stated. The generator is numpy's counter-based Philox-4x64 under a secret key, a
statistical generator and not a cipher; samples are drawn by the ziggurat method in float64. The
sum they are added to is computed in float32 and converted, so its low bits are those of a
float32. The output is a continuous Gaussian only up to these roundings: an attacker who sees
every noised gradient, bit by bit, is outside the analysis (Mironov 2012, "On significance of the
least significant bits for differential privacy"). What is published here are weights after
hundreds of such additions, passed on in float32, and samples drawn from them, never a noised
gradient. Counts do not use this file; their noise is exact (`discrete_noise`).
"""

import secrets

import numpy as np
from numpy.typing import NDArray


def fresh_generator() -> np.random.Generator:
    """A generator keyed from the operating system's CSPRNG, different on every call.

    Returns:
        Philox with a 128-bit secret key and a 128-bit secret start of its counter.
    """
    key = np.frombuffer(secrets.token_bytes(16), dtype=np.uint64)
    start = np.concatenate(
        [np.zeros(2, np.uint64), np.frombuffer(secrets.token_bytes(16), dtype=np.uint64)]
    )
    return np.random.Generator(np.random.Philox(counter=start, key=key))


class GaussianNoise:
    """A source of independent centred Gaussian vectors; one per attempt.

    Args:
        stddev: Standard deviation of every coordinate, in the unit of the noised sum.

    Raises:
        ValueError: If the standard deviation is not a positive finite number.
    """

    def __init__(self, stddev: float) -> None:
        if not (np.isfinite(stddev) and stddev > 0):
            raise ValueError(f"the noise's standard deviation must be positive, is {stddev!r}")
        self._stddev = stddev
        self._generator = fresh_generator()

    def draw(self, size: int) -> NDArray[np.float64]:
        """A fresh noise vector, shape (size,)."""
        return self._stddev * self._generator.standard_normal(size)
