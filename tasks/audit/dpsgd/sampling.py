"""Whether a sampler draws as Poisson subsampling does: the accountant assumes nothing weaker.

Independent draws make the sizes of batches vary, and the number of times that a record is drawn,
each by its binomial variance. Batches of a fixed size do not vary; an epoch of shuffled batches
draws every record equally often.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tasks.audit.check import Check
from tasks.privacy.mechanism import SubsampledGaussian


def check_sampling(mechanism: SubsampledGaussian, records: int) -> Check:
    """Draw every step of one attempt and look at the draws.

    Args:
        mechanism: What draws.
        records: Records of the day, so many that a binomial number of them is nearly normal.
    """
    run = mechanism.begin(records)
    draws = []
    for _ in range(mechanism.steps_allowed):
        draws.append(run.draw())
        run.release(np.zeros(1))
    return Check(
        "batches are drawn by Poisson sampling",
        f"{len(draws)} draws from {records:,} records",
        poisson_p_value(draws, records, mechanism.sampling_probability),
    )


def poisson_p_value(
    draws: Sequence[NDArray[np.int64]], records: int, sampling_probability: float
) -> float:
    """How likely Poisson sampling is to look as strange as these draws.

    Three statistics, times three (Bonferroni): how many records were drawn in all, how the sizes
    of the draws vary, how the counts of the records vary.

    Args:
        draws: Indices of the drawn records, one array per step; a record drawn twice in one step
            counts twice.
        records: Number of records.
        sampling_probability: q in (0, 1).

    Returns:
        A p-value, at most 1.
    """
    sizes = np.array([len(draw) for draw in draws])
    counts = np.bincount(np.concatenate(draws), minlength=records)
    q, steps = sampling_probability, len(draws)
    total = (sizes.sum() - steps * records * q) / np.sqrt(steps * records * q * (1 - q))
    p_values = [
        2 * float(stats.norm.sf(abs(total))),
        _dispersion_p_value(sizes, records, q),
        _dispersion_p_value(counts, steps, q),
    ]
    return min(1.0, 3 * min(p_values))


def _dispersion_p_value(values: NDArray[np.int64], trials: int, q: float) -> float:
    """How likely binomial values are to vary so little, or so much.

    Their squared standardised deviations have mean 1 and a variance of 2 plus the binomial's
    excess kurtosis; the sum is compared with the gamma distribution of these two moments.
    """
    variance = trials * q * (1 - q)
    spread = 2 + (1 - 6 * q * (1 - q)) / variance
    total = stats.gamma(len(values) / spread, scale=spread)
    squared = float(np.sum((values - trials * q) ** 2) / variance)
    return 2 * float(min(total.cdf(squared), total.sf(squared)))
