"""How the ends in a cell divide over its parts: halves of halves, each share fitted by itself.

A cell is cut by latitude, then by longitude, twice over, into 16 parts. The share of each half has
a beta distribution around the half's public cover beforehand (a Pólya tree: M. Lavine, "Some
Aspects of Polya Tree Distributions for Statistical Modelling", 1992), and what was measured of both
halves makes of it a posterior distribution of one variable, whose mean is computed by quadrature:
noise far larger than a cell's ends leaves the halves even, small noise leaves what was counted.

How uneven halves are beforehand is not assumed but taken from all cells together: for every cut the
concentration is the one that makes what was measured likeliest (empirical Bayes), which reads
nothing but noisy counts.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import betaln

from tasks.synthesis.trip_field.lattice import PARTS, SPLIT, Floats, Integers
from tasks.synthesis.trip_field.tables import QUARTER_OF_PART, QUARTERS

CONCENTRATIONS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
"""Of the beta distribution of a half that covers as much as the other; 1 is uniform."""

_NODES = 64
_WIDE = 6.0
"""Posterior distributions are looked at within this many standard deviations of the likelihood."""
_AT_ONCE = 16_384
_JUDGES = 20_000
"""Cuts that choose a concentration; more would not change it."""

Seen = tuple[Floats, float | Floats]
"""Noisy counts and the standard deviation of their noise, one for all or one for each."""


def _nested() -> Integers:
    """Parts in the order in which cutting a cell in halves arrives at them, shape (PARTS,)."""
    row, column = np.divmod(np.arange(PARTS), SPLIT)
    return np.asarray(np.lexsort((column % 2, row % 2, QUARTER_OF_PART)), np.int64)


NESTED = _nested()


def part_shares(cover: Floats, ends: Floats, seen: Mapping[str, Seen]) -> Floats:
    """Shares of the parts of cells: posterior means.

    Args:
        cover: Share of each part that lies in the service area, shape (cells, PARTS); no cell is
            all outside.
        ends: Expected ends in each cell, shape (cells,).
        seen: What was measured of the cells' `quarters`, shape (cells, QUARTERS), of their
            `sixteenths`, shape (cells, PARTS), of both or of neither.

    Returns:
        Shape (cells, PARTS), each row adding up to 1; zero where the cover is.

    Examples:
        Without noise the shares are those that were counted, under much noise those of the cover:

        >>> counted = np.arange(16.0)[None]
        >>> for stddev in (1e-3, 1e3):
        ...     shares = part_shares(
        ...         np.ones((1, 16)), np.array([120.0]), {"sixteenths": (counted, stddev)}
        ...     )
        ...     print(np.round(120 * shares[0, [0, 5, 15]], 1).tolist())
        [0.0, 5.0, 15.0]
        [7.5, 7.5, 7.5]
    """
    covers = [cover[:, NESTED]]
    while covers[0].shape[1] > 1:
        covers.insert(0, covers[0].reshape(len(cover), -1, 2).sum(axis=2))
    halves = _halves(len(cover), seen)
    mass = np.asarray(ends, np.float64)[:, None]
    for below, (values, variance) in zip(covers[1:], halves, strict=True):
        pairs = below.reshape(-1, 2)
        open_ = pairs.sum(axis=1)
        even = np.divide(pairs[:, 0], open_, out=np.zeros(len(pairs)), where=open_ > 0)
        share = _first_half(even, mass.ravel(), values.reshape(-1, 2), variance.reshape(-1, 2))
        mass = (mass.ravel()[:, None] * np.stack([share, 1 - share], axis=1)).reshape(below.shape)
    shares = np.empty(cover.shape)
    shares[:, NESTED] = np.where(covers[-1] > 0, mass, 0)
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300))


def _halves(cells: int, seen: Mapping[str, Seen]) -> list[tuple[Floats, Floats]]:
    """Estimates of 2, 4, 8 and 16 parts of each cell and their variances, (cells, 2), ..."""
    values, variance = np.zeros((cells, PARTS)), np.full((cells, PARTS), np.inf)
    if "sixteenths" in seen:
        values, variance = (part[:, NESTED] for part in _full(seen["sixteenths"]))
    made = [(values, variance)]
    while values.shape[1] > 2:
        values, variance = (part.reshape(cells, -1, 2).sum(axis=2) for part in (values, variance))
        if values.shape[1] == QUARTERS and "quarters" in seen:
            values, variance = _fused(values, variance, *_full(seen["quarters"]))
        made.insert(0, (values, variance))
    return made


def _full(seen: Seen) -> tuple[Floats, Floats]:
    values, stddev = seen
    return np.asarray(values, float), np.broadcast_to(np.square(stddev), values.shape).astype(float)


def _fused(
    values: Floats, variance: Floats, others: Floats, other_variance: Floats
) -> tuple[Floats, Floats]:
    """Two estimates of the same counts as one, weighted by their certainty."""
    precision = 1 / variance + 1 / other_variance
    mean = (values / variance + others / other_variance) / np.maximum(precision, 1e-300)
    with np.errstate(divide="ignore"):
        return np.asarray(mean), np.asarray(1 / precision)


def _first_half(even: Floats, mass: Floats, values: Floats, variance: Floats) -> Floats:
    """Posterior mean of the first half's share in each cut, shape (n,)."""
    share = even.copy()
    cuts = np.flatnonzero((even > 0) & (even < 1) & (mass > 0) & np.isfinite(variance).any(axis=1))
    if not cuts.size:
        return share
    arguments = even[cuts], mass[cuts], values[cuts], variance[cuts]
    judges = slice(None, None, -(-len(cuts) // _JUDGES))
    _, evidence = _posterior(CONCENTRATIONS, *(part[judges] for part in arguments))
    chosen = CONCENTRATIONS[int(np.argmax(evidence.sum(axis=1)))]
    share[cuts] = _posterior((chosen,), *arguments)[0][0]
    return share


def _posterior(
    concentrations: Sequence[float], even: Floats, mass: Floats, values: Floats, variance: Floats
) -> tuple[Floats, Floats]:
    """Posterior mean of each cut's share, and the logarithm of its evidence.

    Returns:
        Shape (concentrations, n) each.
    """
    means = np.empty((len(concentrations), len(even)))
    evidence = np.empty_like(means)
    for first in range(0, len(even), _AT_ONCE):
        rows = slice(first, first + _AT_ONCE)
        likeliest, stddev = _likelihood(mass[rows], values[rows], 1 / variance[rows])
        angle, step = _angles(likeliest, stddev)
        sine, cosine = np.sin(angle), np.cos(angle)
        share = sine**2
        log_sine, log_cosine = np.log(sine), np.log(cosine)
        likelihood = -(((share - likeliest[:, None]) / stddev[:, None]) ** 2) / 2
        for index, concentration in enumerate(concentrations):
            one, other = 2 * concentration * even[rows], 2 * concentration * (1 - even[rows])
            # a share's beta density, times the width of a step of the angle
            logarithm = (
                (2 * one[:, None] - 1) * log_sine
                + (2 * other[:, None] - 1) * log_cosine
                + likelihood
            )
            most = logarithm.max(axis=1)
            weights = np.exp(logarithm - most[:, None])
            total = weights.sum(axis=1)
            means[index, rows] = (weights * share).sum(axis=1) / total
            evidence[index, rows] = most + np.log(2 * step * total) - betaln(one, other)
    return means, evidence


def _likelihood(mass: Floats, values: Floats, precision: Floats) -> tuple[Floats, Floats]:
    """The likeliest share of the first half, on any scale, and its standard deviation."""
    certain = precision.sum(axis=1)
    first = (values[:, 0] * precision[:, 0] + (mass - values[:, 1]) * precision[:, 1]) / certain
    return np.asarray(first / mass), np.asarray(1 / (mass * np.sqrt(certain)))


def _angles(likeliest: Floats, stddev: Floats) -> tuple[Floats, Floats]:
    """Nodes where a posterior distribution has its mass, and the step between them.

    Returns:
        Angles whose squared sines are shares, shape (n, _NODES); steps, shape (n,).
    """
    low = np.clip(likeliest - _WIDE * stddev, 0, np.maximum(1 - stddev, 0))
    high = np.clip(likeliest + _WIDE * stddev, np.minimum(stddev, 1), 1)
    low, high = np.arcsin(np.sqrt(low)), np.arcsin(np.sqrt(high))
    step = (high - low) / _NODES
    return low[:, None] + (np.arange(_NODES) + 0.5) * step[:, None], step
