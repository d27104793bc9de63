"""The one-run audit: many canaries, each in or out by its own coin, in one run of DP-SGD.

After Steinke, Nasr and Jagielski (2023), "Privacy auditing with one (1) training run". The run is
the real one: the mechanism's own masks, noise and division, the trainer's own clipping, on a
simulated day with the canaries among its trips. An excluded canary is a null record, which is how
`zero_out` neighbours differ. The attacker sees what the run released, the noised means of every
step, which is more than anyone is ever given, and guesses the coins.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from tasks.audit.canaries import CanaryModel, canary_records
from tasks.audit.statistics import CONFIDENCE, one_run_epsilon
from tasks.privacy.mechanism import SubsampledGaussian, SubsampledGaussianRun
from tasks.region.guarantee import Guarantee
from tasks.synthesis.grid import Tokens

if TYPE_CHECKING:
    from tasks.synthesis.dpsgd import Adam, Model

INFLATED_EPSILON = 4.0
"""What the audited mechanism promises: at the epsilon of a release no audit sees anything."""
GUESSED = (0.02, 0.2)
"""Shares of the canaries guessed to be in, and to be out; the rest is abstained from. Few guesses
show most of a mechanism that keeps its promise, many of one that is broken. Both are tried, each
with half of the error that the bound may have."""
_SIMULATIONS = 2000
_HARDLY_EVER = 0.999


class Trainer(Protocol):
    """What runs steps; `DpSgd` is one."""

    def step(self) -> None:
        """Run one step."""
        ...


MakeTrainer = Callable[["Model", Tokens, SubsampledGaussianRun, "Adam"], Trainer]


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
        seed: Seeds the coins; noise and masks are fresh and secret.
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


def one_run(
    model: "Model",
    start: NDArray[np.float32],
    records: Tokens,
    mechanism: SubsampledGaussian,
    claimed: Guarantee,
    canaries: int,
    seed: int,
    trainer: MakeTrainer | None = None,
) -> OneRun:
    """Train once with canaries and guess which were in.

    Args:
        model: The model that is trained, of any synthesizer.
        start: Its starting weights.
        records: A simulated day's records, shape (n, tokens).
        mechanism: What runs; its noise is solved for `claimed`.
        claimed: Epsilon and delta that the mechanism is said to keep.
        canaries: Number of canaries, a multiple of 64.
        seed: Seeds the coins.
        trainer: What trains, by default `DpSgd`; a broken one must be found out.
    """
    from tasks.synthesis.dpsgd import Adam, DpSgd

    included = np.random.default_rng(seed).random(canaries) < 0.5
    audited = CanaryModel(model, canaries)
    day = np.concatenate([records, canary_records(included, records.shape[1])])
    run = _Watched(mechanism.begin(len(day)), audited.directions)
    adam = Adam.start(audited.start(start), learning_rate=0.01, averaging=0.9)
    engine = (trainer or DpSgd)(audited, day, cast(SubsampledGaussianRun, run), adam)
    for _ in range(mechanism.steps_allowed):
        engine.step()
    bound, guesses, correct = _prove(run.scores(), included, claimed.delta)
    return OneRun(seed, canaries, guesses, correct, claimed.epsilon, claimed.delta, bound)


def power_of(mechanism: SubsampledGaussian, claimed: Guarantee, canaries: int) -> Power:
    """The audit's bound on a mechanism that does exactly what it says, by simulation.

    A canary's sum over the steps is then a binomial number of clip norms, or none, in Gaussian
    noise, and its score that sum in standard deviations, which are measured on the same steps.

    Args:
        mechanism: What is audited.
        claimed: Epsilon and delta that it is said to keep.
        canaries: Number of canaries.
    """
    generator = np.random.default_rng(0)
    steps, q = mechanism.steps_allowed, mechanism.sampling_probability
    noise = mechanism.noise_multiplier
    bounds = []
    for _ in range(_SIMULATIONS):
        included = generator.random(canaries) < 0.5
        scores = generator.normal(0, noise * steps**0.5, canaries)
        scores[included] += generator.binomial(steps, q, int(included.sum()))
        variance = (noise**2 + included * q * (1 - q)) / steps
        scores /= np.sqrt(variance * generator.chisquare(max(steps - 1, 1), canaries))
        bounds.append(_prove(scores, included, claimed.delta)[0])
    most = 1 / (1 + np.exp(-claimed.epsilon))
    ceiling = max(
        _bound(canaries, guesses, int(most * guesses), claimed.delta)
        for guesses in _numbers_of_guesses(canaries)
    )
    low, high, hardly_ever = np.quantile(bounds, (0.05, 0.95, _HARDLY_EVER)).tolist()
    return Power(float(np.mean(bounds)), low, high, hardly_ever, ceiling)


def _prove(
    scores: NDArray[np.float64], included: NDArray[np.bool_], delta: float
) -> tuple[float, int, int]:
    """The best bound on epsilon, and the guesses and right guesses that prove it."""
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


class _Watched:
    """A mechanism's attempt, with an attacker who keeps what it releases on the canaries.

    Args:
        run: The attempt.
        directions: The canaries' part of the released vector.
    """

    def __init__(self, run: SubsampledGaussianRun, directions: slice) -> None:
        self.mechanism = run.mechanism
        self._run = run
        self._directions = directions
        self._released: list[NDArray[np.float64]] = []

    def draw(self) -> NDArray[np.int64]:
        """The attempt's own draw."""
        return self._run.draw()

    def release(self, clipped_sum: NDArray[np.float64]) -> NDArray[np.float64]:
        """The attempt's own release."""
        released = self._run.release(clipped_sum)
        self._released.append(released[self._directions].copy())
        return released

    def scores(self) -> NDArray[np.float64]:
        """For each canary, the mean of its direction over the steps in standard deviations.

        In a direction without noise an excluded canary releases nothing at all, ever: it gets
        the lowest score there is.
        """
        steps = np.array(self._released)
        spread = steps.std(axis=0)
        scores = steps.mean(axis=0) / np.where(spread > 0, spread, 1.0)
        return np.asarray(np.where(spread > 0, scores, -np.inf))
