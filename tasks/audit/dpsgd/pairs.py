"""Neighbouring pairs of DP-SGD's mechanism, the subsampled Gaussian."""

import numpy as np
from numpy.typing import NDArray

from tasks.audit.pairs import Pair, PairBound, Scores, distinguish_twice
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region.guarantee import Guarantee


def distinguish_training(
    mechanism: SubsampledGaussian, claimed: Guarantee, replicas: int
) -> tuple[PairBound, ...]:
    """What pairs prove of a subsampled Gaussian; see `distinguish_twice`.

    Args:
        mechanism: What is run; its noise is solved for `claimed`.
        claimed: Epsilon and delta that it is said to keep.
        replicas: Number of pairs.
    """
    return distinguish_twice(
        "subsampled Gaussian",
        subsampled_gaussian_scores(mechanism, replicas),
        subsampled_gaussian_scores(mechanism, replicas, subtract_a_null_day=True),
        mechanism.event(),
        claimed,
    )


def subsampled_gaussian_scores(
    mechanism: SubsampledGaussian, replicas: int, subtract_a_null_day: bool = False
) -> Pair:
    """Scores of many independent neighbouring pairs, all in one attempt of the real mechanism.

    Every replica is a record with a direction of its own, in which it gives `l2_norm_clip` at
    every step it is drawn; half of them are nulled. Masks are independent between records and
    noise is independent between directions, so each direction is a run of the mechanism on a day
    of one record, or of none. The score is the sum of what is released in that direction.

    Args:
        mechanism: What is run.
        replicas: Number of pairs.
        subtract_a_null_day: Subtract what another attempt releases on a day of null records:
            useless against fresh noise, fatal to noise that is repeated.

    Returns:
        Scores with the record and without it, shape (replicas,) each.
    """
    present = np.arange(2 * replicas) < replicas
    scores = _released(mechanism, present)
    if subtract_a_null_day:
        scores -= _released(mechanism, np.zeros_like(present))
    return scores[present], scores[~present]


def _released(mechanism: SubsampledGaussian, present: NDArray[np.bool_]) -> Scores:
    run = mechanism.begin(len(present))
    total = np.zeros(len(present))
    for _ in range(mechanism.steps_allowed):
        clipped = np.zeros(len(present))
        drawn = run.draw()
        clipped[drawn] = mechanism.l2_norm_clip * present[drawn]
        total += run.release(clipped)
    return total
