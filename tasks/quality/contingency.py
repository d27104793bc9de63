"""How often each key occurs in two tables, and how far apart that makes them."""

import numpy as np
from numpy.typing import NDArray

from tasks.quality.columns import Floats, Integers
from tasks.quality.errors import QualityError

_LARGEST_CODE = np.iinfo(np.int64).max // 2


def joint_counts(a: Integers, b: Integers) -> tuple[Floats, Floats]:
    """Rows of either table with each key that occurs in one of them.

    Args:
        a: Keys of one table, shape (n, k).
        b: Keys of the other, shape (m, k).

    Returns:
        Two arrays of one shape (keys,); the keys are in no particular order.
    """
    codes = _codes(np.concatenate([a, b]))
    number = int(codes.max(initial=-1)) + 1
    cut = len(a)
    return (
        np.bincount(codes[:cut], minlength=number).astype(np.float64),
        np.bincount(codes[cut:], minlength=number).astype(np.float64),
    )


def variation(counts: tuple[Floats, Floats]) -> float:
    """Total variation: half the L1 distance of two normalised histograms, 0 to 1.

    Raises:
        QualityError: If a table is empty.
    """
    p, q = (shares(count) for count in counts)
    return float(np.abs(p - q).sum() / 2)


def shares(count: Floats) -> Floats:
    """A histogram that sums to 1.

    Raises:
        QualityError: If it is empty.
    """
    if not count.sum() > 0:
        raise QualityError("a table without rows cannot be compared")
    return np.asarray(count / count.sum())


def _codes(keys: NDArray[np.int64]) -> Integers:
    """A number from 0 for each distinct row of keys, shape (n,).

    One column after the other is joined to the codes so far; they are renumbered when the next
    product would not fit.
    """
    codes, size = np.zeros(len(keys), np.int64), 1
    for column in keys.T:
        column = column - column.min(initial=0)
        span = int(column.max(initial=0)) + 1
        if size > _LARGEST_CODE // span:
            codes = np.unique(codes, return_inverse=True)[1]
            size = len(codes)
        codes, size = codes * span + column, size * span
    return np.asarray(np.unique(codes, return_inverse=True)[1].reshape(-1))
