"""The statistics that turn an attack's successes into statements that hold with a confidence."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

CONFIDENCE = 0.95
"""Of every bound and interval, unless it says otherwise."""
_LARGEST_EPSILON = 50.0


@dataclass(frozen=True)
class Estimate:
    """A measured value and the interval that holds the true one with a confidence."""

    value: float
    low: float
    high: float


@lru_cache(maxsize=4096)
def rate(successes: int, trials: int, confidence: float = CONFIDENCE) -> Estimate:
    """A success rate and its two-sided interval (Clopper and Pearson 1934).

    Args:
        successes: 0 to `trials`.
        trials: At least 1.
        confidence: Of the interval, in (0, 1); never less than it, whatever the true rate.

    Examples:
        >>> none = rate(0, 10)
        >>> none.value, none.low, round(none.high, 4)
        (0.0, 0.0, 0.3085)
    """
    tail = (1 - confidence) / 2
    low, high = 0.0, 1.0
    if successes > 0:
        low = float(stats.beta.ppf(tail, successes, trials - successes + 1))
    if successes < trials:
        high = float(stats.beta.ppf(1 - tail, successes + 1, trials - successes))
    return Estimate(successes / trials, low, high)


def one_run_p_value(
    canaries: int, guesses: int, correct: int, epsilon: float, delta: float
) -> float:
    """How likely an (epsilon, delta)-DP mechanism is to let so many guesses be right.

    Each canary is in or out by a fair coin of its own, and the guesser may abstain. Without
    delta, the number of right guesses is dominated by a binomial one with success rate
    e^eps / (1 + e^eps); delta adds at most 2 m delta times the steepest average of its mass
    below `correct` (Steinke, Nasr and Jagielski 2023, "Privacy auditing with one (1) training
    run", theorem 5.2).

    Args:
        canaries: Number m of coins.
        guesses: Number r of guesses, at most m.
        correct: Number v of right ones, at most r.
        epsilon: Hypothesis, >= 0.
        delta: Hypothesis, in [0, 1].

    Returns:
        An upper bound on the probability, at most 1.

    Examples:
        Ten right guesses of ten at epsilon 0 are ten coins:

        >>> one_run_p_value(10, 10, 10, 0.0, 0.0) * 1024
        1.0
    """
    if not 0 <= correct <= guesses <= canaries:
        raise ValueError(f"{correct} of {guesses} guesses on {canaries} canaries is impossible")
    success = 1 / (1 + np.exp(-epsilon))
    tail = float(stats.binom.sf(correct - 1, guesses, success))
    if correct == 0 or delta == 0:
        return min(tail, 1.0)
    below = np.arange(1, correct + 1)
    masses = np.cumsum(stats.binom.pmf(correct - below, guesses, success))
    return min(tail + 2 * canaries * delta * float(np.max(masses / below)), 1.0)


def one_run_epsilon(
    canaries: int, guesses: int, correct: int, delta: float, confidence: float = CONFIDENCE
) -> float:
    """The lower bound on epsilon that a number of right guesses proves; 0 if it proves none.

    Examples:
        >>> round(one_run_epsilon(4096, 164, 140, 1e-6), 2)
        1.39
    """
    level = 1 - confidence

    def excess(epsilon: float) -> float:
        return one_run_p_value(canaries, guesses, correct, epsilon, delta) - level

    if excess(0.0) >= 0:
        return 0.0
    return float(optimize.brentq(excess, 0.0, _LARGEST_EPSILON, xtol=1e-6))


def area_under_roc(
    members: NDArray[np.float64], others: NDArray[np.float64], confidence: float = CONFIDENCE
) -> Estimate:
    """Chance that a member scores above another; ties count half.

    The interval is normal with the variance of DeLong, DeLong and Clarke-Pearson (1988).

    Args:
        members: Scores, shape (m,), m >= 2.
        others: Scores, shape (n,), n >= 2.
        confidence: Of the interval, in (0, 1).

    Examples:
        >>> area_under_roc(np.array([3.0, 4.0]), np.array([1.0, 2.0]))
        Estimate(value=1.0, low=1.0, high=1.0)
    """
    above_others = _share_below(members, others)
    below_members = 1 - _share_below(others, members)
    area = float(above_others.mean())
    variance = above_others.var(ddof=1) / len(members) + below_members.var(ddof=1) / len(others)
    half = float(stats.norm.ppf((1 + confidence) / 2) * np.sqrt(variance))
    return Estimate(area, max(area - half, 0.0), min(area + half, 1.0))


def _share_below(scores: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each score, the share of `among` that is below it; equal ones count half."""
    ordered = np.sort(among)
    below = np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")
    return np.asarray(below / (2 * len(among)))
