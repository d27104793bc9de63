"""The one-run audit: many canaries, each in or out by its own coin, in one run of a mechanism.

After Steinke, Nasr and Jagielski (2023), "Privacy auditing with one (1) training run". The run is
the real one, on a simulated day with the canaries among its trips; an excluded canary contributes
nothing, which is how `zero_out` neighbours differ. An attacker who sees what the run released,
and knows everything but the coins, guesses them. What the guesses prove is here; the runs are
those of the mechanisms.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tasks.audit.statistics import CONFIDENCE, one_run_epsilon
from tasks.region.guarantee import Guarantee

GUESSED = (0.02, 0.2)
"""Shares of the canaries guessed to be in, and to be out; the rest is abstained from. Few guesses
show most of a mechanism that keeps its promise, many of one that is broken. Both are tried, each
with half of the error that the bound may have."""
SIMULATIONS = 2000
"""Simulated runs that the power of an audit is stated from."""
_HARDLY_EVER = 0.999
_ACCIDENTS = 0.01
"""How often audits of an intact mechanism, however many their runs, may look broken."""

Guess = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""Scores of the canaries, likelier to be in the higher, and whether they are in, (canaries,)."""


@dataclass(frozen=True)
class Power:
    """What the audit can find at all, if the mechanism leaks what is accounted for and no more.

    Attributes:
        expected: The lower bound on epsilon in the mean.
        low: It is below this in one of twenty runs.
        high: It is above this in one of twenty runs.
        hardly_ever: It is above this in one of a thousand runs.
        ceiling: The bound if every guess were right as often as epsilon allows at most.
    """

    expected: float
    low: float
    high: float
    hardly_ever: float
    ceiling: float


@dataclass(frozen=True)
class OneRun:
    """The outcome of one audit.

    Attributes:
        seed: Seeds the coins; the mechanism's randomness is fresh and secret.
        canaries: Number of coins.
        guesses: Number of guesses, of the two numbers tried the one that proves more.
        correct: Number of right ones.
        epsilon_claimed: What the accountant promises at `delta`.
        delta: Of both.
        epsilon_lower: Proven with 95 % confidence.
    """

    seed: int
    canaries: int
    guesses: int
    correct: int
    epsilon_claimed: float
    delta: float
    epsilon_lower: float

    @property
    def is_violation(self) -> bool:
        """Whether more is proven than is promised."""
        return self.epsilon_lower > self.epsilon_claimed


def is_no_accident(high: int, runs: int) -> bool:
    """Whether more runs lie over `Power.hardly_ever` than an intact mechanism explains.

    Examples:
        >>> is_no_accident(1, 3), is_no_accident(1, 100), is_no_accident(2, 100)
        (True, False, True)
    """
    return bool(high and stats.binom.sf(high - 1, runs, 1 - _HARDLY_EVER) < _ACCIDENTS)


def coins(canaries: int, seed: int) -> NDArray[np.bool_]:
    """Which canaries are in, shape (canaries,)."""
    return np.random.default_rng(seed).random(canaries) < 0.5


def proven(guess: Guess, claimed: Guarantee, seed: int) -> OneRun:
    """What the best of the guesses prove.

    Args:
        guess: Scores and coins.
        claimed: Epsilon and delta that the mechanism is said to keep.
        seed: Of the coins.
    """
    bound, guesses, correct = _best(guess, claimed.delta)
    return OneRun(seed, len(guess[0]), guesses, correct, claimed.epsilon, claimed.delta, bound)


def power_of(simulated: Iterable[Guess], claimed: Guarantee) -> Power:
    """The audit's bound on a mechanism that does exactly what it says, by simulation.

    Args:
        simulated: Scores and coins of simulated runs with as many canaries as the audit has.
        claimed: Epsilon and delta that the mechanism is said to keep.
    """
    bounds, canaries = [], 0
    for guess in simulated:
        canaries = len(guess[0])
        bounds.append(_best(guess, claimed.delta)[0])
    most = 1 / (1 + np.exp(-claimed.epsilon))
    ceiling = max(
        _bound(canaries, guesses, int(most * guesses), claimed.delta)
        for guesses in _numbers_of_guesses(canaries)
    )
    low, high, hardly_ever = np.quantile(bounds, (0.05, 0.95, _HARDLY_EVER)).tolist()
    return Power(float(np.mean(bounds)), low, high, hardly_ever, ceiling)


def _best(guess: Guess, delta: float) -> tuple[float, int, int]:
    """The best bound on epsilon, and the guesses and right guesses that prove it."""
    scores, included = guess
    order = np.argsort(scores, kind="stable")
    tried = []
    for guesses in _numbers_of_guesses(len(scores)):
        inside, outside = order[-guesses // 2 :], order[: guesses // 2]
        correct = int(included[inside].sum() + (~included[outside]).sum())
        tried.append((_bound(len(scores), guesses, correct, delta), guesses, correct))
    return max(tried)


def _numbers_of_guesses(canaries: int) -> list[int]:
    return [2 * max(1, round(share * canaries)) for share in GUESSED]


@lru_cache(maxsize=4096)
def _bound(canaries: int, guesses: int, correct: int, delta: float) -> float:
    confidence = 1 - (1 - CONFIDENCE) / len(GUESSED)
    return one_run_epsilon(canaries, guesses, correct, delta, confidence)
