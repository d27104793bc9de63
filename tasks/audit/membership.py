"""Membership inference: was this trip among those the model was trained on?

The likelihood-ratio attack with shadow models of Carlini et al. (2022), "Membership inference
attacks from first principles". The attacker knows the twin, the training and its settings, has
the trained model itself (which is more than its samples, and more than is published), and has
trained shadow models on random halves. Each record's log-likelihood is compared with normal
distributions fitted to the shadows that saw it and to those that did not, with a variance common
to all records, as the paper does where shadows are few.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.likelihood import Likelihood
from tasks.audit.statistics import Estimate, area_under_roc, rate

FALSE_ALARMS = (0.01, 0.1)
"""False positive rates at which the true positive rate is reported."""


@dataclass(frozen=True)
class Membership:
    """How well members are told from others.

    Attributes:
        is_private: Whether target and shadows were trained under the guarantee.
        shadows: Number of shadow models.
        members: Number of members, and of others.
        area: Area under the ROC curve; 0.5 is guessing.
        hits: True positive rate at each of `FALSE_ALARMS`, the threshold set on the others.
    """

    is_private: bool
    shadows: int
    members: int
    area: Estimate
    hits: tuple[Estimate, ...]


def largest_area(epsilon: float) -> float:
    """The largest area under the ROC curve of any attack that epsilon allows, delta aside.

    Every point of the curve lies under y = e^eps x and y = 1 - e^-eps (1 - x) (Kairouz, Oh and
    Viswanath 2015); the area under both is e^eps / (1 + e^eps).

    Examples:
        >>> round(largest_area(1.0), 3)
        0.731
    """
    return 1 / (1 + exp(-epsilon))


def largest_hit_rate(epsilon: float, delta: float, false_alarms: float) -> float:
    """The largest true positive rate at a false positive rate that (epsilon, delta) allows.

    Examples:
        >>> round(largest_hit_rate(1.0, 1e-6, 0.01), 3)
        0.027
    """
    return min(
        exp(epsilon) * false_alarms + delta, 1 - exp(-epsilon) * (1 - delta - false_alarms), 1.0
    )


def attack_membership(
    trips: pa.Table,
    members: NDArray[np.int64],
    train: Callable[[pa.Table], Likelihood],
    shadows: int,
    seed: int,
    is_private: bool,
) -> Membership:
    """Train a target and its shadows, and attack the target.

    Args:
        trips: The twin's trips, columns as `tasks.schema.RELEASE`.
        members: Indices of the trips that the target is trained on.
        train: Trains a model.
        shadows: Number of shadow models, even and at least 4: they see complementary halves.
        seed: Seeds the halves.
        is_private: Whether `train` keeps the guarantee.
    """
    if shadows < 4 or shadows % 2:
        raise ValueError(f"shadows come in pairs, at least two, not {shadows}")
    generator = np.random.default_rng(seed)
    rows = trips.num_rows
    seen = np.zeros((shadows, rows), bool)
    for pair in range(0, shadows, 2):
        half = generator.permutation(rows)[: rows // 2]
        seen[pair, half] = True
        seen[pair + 1] = ~seen[pair]

    def told_by(some: NDArray[np.int64]) -> NDArray[np.float64]:
        return train(trips.take(some)).log_likelihood(trips)

    told = np.array([told_by(np.flatnonzero(row)) for row in seen])
    scores = likelihood_ratio(told_by(members), told, seen)
    is_member = np.zeros(rows, bool)
    is_member[members] = True
    inside, outside = scores[is_member], scores[~is_member]
    hits = []
    for false_alarms in FALSE_ALARMS:
        threshold = np.quantile(outside, 1 - false_alarms)
        hits.append(rate(int(np.sum(inside > threshold)), len(inside)))
    return Membership(
        is_private, shadows, len(members), area_under_roc(inside, outside), tuple(hits)
    )


def likelihood_ratio(
    target: NDArray[np.float64], told: NDArray[np.float64], seen: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Log-odds, up to a constant, that the target saw each record.

    Args:
        target: The target's log-likelihoods, shape (n,).
        told: The shadows' log-likelihoods, shape (shadows, n).
        seen: Which shadow saw which record, shape (shadows, n); each record by some, not by all.
    """
    mean_in, variance_in = _normal(told, seen)
    mean_out, variance_out = _normal(told, ~seen)
    return np.asarray(
        (target - mean_out) ** 2 / (2 * variance_out) - (target - mean_in) ** 2 / (2 * variance_in)
    )


def _normal(
    told: NDArray[np.float64], among: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    """Each record's mean over some of the shadows, and the variance common to all records."""
    mean = np.average(told, axis=0, weights=among)
    return mean, float(np.average((told - mean) ** 2, weights=among))
