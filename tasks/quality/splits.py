"""Random parts of a table: what a method is fitted to, what it is tested on, and the floors."""

import numpy as np
import pyarrow as pa

from tasks.quality.errors import QualityError


def split(trips: pa.Table, share: float, seed: int) -> tuple[pa.Table, pa.Table]:
    """A random share of the rows, and the others.

    Raises:
        QualityError: If the share is not between 0 and 1.

    Examples:
        >>> train, held_out = split(pa.table({"hour": list(range(10))}), 0.8, seed=0)
        >>> len(train), len(held_out), sorted((train["hour"].to_pylist() +
        ...     held_out["hour"].to_pylist())) == list(range(10))
        (8, 2, True)
    """
    if not 0 <= share <= 1:
        raise QualityError(f"a share of {share} of the rows cannot be taken; it is from 0 to 1")
    order = np.random.default_rng(seed).permutation(len(trips))
    cut = int(share * len(trips))
    return trips.take(order[:cut]), trips.take(order[cut:])


def halves(trips: pa.Table, seed: int) -> tuple[pa.Table, pa.Table]:
    """Two random halves of one size: how close one real day comes to another of half its trips.

    A row is left over where their number is odd.
    """
    order = np.random.default_rng(seed).permutation(len(trips))
    half = len(trips) // 2
    return trips.take(order[:half]), trips.take(order[half : 2 * half])


def resample(trips: pa.Table, seed: int) -> pa.Table:
    """As many rows drawn from the table independently, with replacement.

    What a perfect model of these rows would score that draws its rows independently: only
    drawing of lower variance comes closer. Its rows are copies, which the two-sample
    classifier recognises: no floor for that one.
    """
    if not len(trips):
        return trips
    drawn = np.random.default_rng(seed).integers(len(trips), size=len(trips))
    return trips.take(drawn)
