"""Draws that vary little more than they must: systematic sampling, and inversion at even points."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]

_GOLDEN = (5**0.5 - 1) / 2


def systematic(
    shares: Floats, rows: int, generator: np.random.Generator
) -> tuple[Integers, Floats]:
    """Draw with the least variance: each index gets its share of the rows, give or take one.

    Shares are laid out along a line, which is cut at equal distances from one uniform start.

    Args:
        shares: Weights, none negative, not all zero; shape (n,).
        rows: Number of draws, >= 0.
        generator: Source of randomness.

    Returns:
        The indices in order, and how far into its stretch each cut falls, from 0 to below 1, which
        is uniform and independent enough of everything else; shape (rows,) each.

    Examples:
        >>> index, _ = systematic(np.array([0.5, 0.0, 0.25, 0.25]), 8, np.random.default_rng(0))
        >>> np.bincount(index).tolist()
        [4, 0, 2, 2]
    """
    line = np.cumsum(shares, dtype=np.float64)
    marks = (np.arange(rows) + generator.random()) / max(rows, 1) * line[-1]
    last = np.searchsorted(line, line[-1])
    index = np.minimum(np.searchsorted(line, marks, "right"), last)
    length = np.maximum(shares[index], 1e-300)
    return index, np.clip((marks - line[index]) / length + 1, 0, 1 - 1e-12)


def pick(weights: Floats, uniform: Floats) -> Integers:
    """One column per row in proportion to its weight, by inversion; shape (n,).

    Args:
        weights: Shape (n, k); a row of zeros gets its last column.
        uniform: In [0, 1), shape (n,).
    """
    sums = np.cumsum(weights, axis=1)
    whole = sums[:, -1]
    # rounded to its type, a mark may be all of the line
    marks = np.minimum(uniform.astype(sums.dtype) * whole, np.nextafter(whole, 0))
    chosen = (sums <= marks[:, None]).sum(axis=1)
    return np.asarray(np.minimum(chosen, weights.shape[1] - 1))


def pick_of(weights: Floats, group: Integers, uniform: Floats) -> Integers:
    """The same for rows that share their weights with the other rows of a group, shape (n,).

    Args:
        weights: Of each group, shape (groups, k).
        group: Group of each row, shape (n,).
        uniform: Of each row, in [0, 1), shape (n,).
    """
    sums = np.cumsum(weights, axis=1, dtype=np.float64)
    whole = sums[:, -1:]
    sums = np.divide(sums, whole, out=np.ones_like(sums), where=whole > 0)
    line = (np.arange(len(sums))[:, None] + sums).ravel()
    chosen = np.searchsorted(line, group + uniform, "right") - group * weights.shape[1]
    return np.asarray(np.clip(chosen, 0, weights.shape[1] - 1))


def pick_evenly(
    key: Integers, weights_of: Callable[[Integers], Floats], generator: np.random.Generator
) -> Integers:
    """One column per row: those of any stretch of keys are almost exactly in their shares.

    Rows are taken in the order of their keys, and by chance within those; row k gets the
    fractional part of k times the golden ratio.

    Args:
        key: Rows with one key share their weights, shape (n,).
        weights_of: Given one row for each key, in their order, shape (keys,), its weights, shape
            (keys, k).
        generator: Source of randomness.
    """
    order = np.lexsort((generator.random(len(key)), key))
    even = (np.arange(len(key)) * _GOLDEN + generator.random()) % 1
    first, run = runs(key[order])
    chosen = np.empty(len(key), np.int64)
    chosen[order] = pick_of(weights_of(order[first]), run, even)
    return chosen


def runs(values: Integers) -> tuple[Integers, Integers]:
    """First element of every run of equal values, and the number of the run of every element.

    Examples:
        >>> [part.tolist() for part in runs(np.array([7, 7, 3, 3, 3, 7]))]
        [[0, 2, 5], [0, 0, 1, 1, 1, 2]]
    """
    new = np.concatenate([np.ones(min(len(values), 1), bool), values[1:] != values[:-1]])
    return np.flatnonzero(new), np.cumsum(new) - 1
