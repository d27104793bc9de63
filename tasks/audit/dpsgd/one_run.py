"""The one-run audit of DP-SGD: gradient canaries in one training.

The training is the real one: the mechanism's own masks, noise and division, the trainer's own
clipping. The attacker sees the noised means of every step, which is more than anyone is ever
given.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from tasks.audit.dpsgd.canaries import CanaryModel, canary_records
from tasks.audit.one_run import SIMULATIONS, Guess, OneRun, Power, coins, power_of, proven
from tasks.privacy.mechanism import SubsampledGaussian, SubsampledGaussianRun
from tasks.region.guarantee import Guarantee
from tasks.synthesis.grid import Tokens

if TYPE_CHECKING:
    from tasks.synthesis.dpsgd import Adam, Model


class Trainer(Protocol):
    """What runs steps; `DpSgd` is one."""

    def step(self) -> None:
        """Run one step."""
        ...


MakeTrainer = Callable[["Model", Tokens, SubsampledGaussianRun, "Adam"], Trainer]


def train_once(
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

    included = coins(canaries, seed)
    audited = CanaryModel(model, canaries)
    day = np.concatenate([records, canary_records(included, records.shape[1])])
    run = _Watched(mechanism.begin(len(day)), audited.directions)
    adam = Adam.start(audited.start(start), learning_rate=0.01, averaging=0.9)
    engine = (trainer or DpSgd)(audited, day, cast(SubsampledGaussianRun, run), adam)
    for _ in range(mechanism.steps_allowed):
        engine.step()
    return proven((run.scores(), included), claimed, seed)


def power_of_training(mechanism: SubsampledGaussian, claimed: Guarantee, canaries: int) -> Power:
    """The audit's bound on a mechanism that does exactly what it says, by simulation.

    A canary's sum over the steps is then a binomial number of clip norms, or none, in Gaussian
    noise, and its score that sum in standard deviations, which are measured on the same steps.

    Args:
        mechanism: What is audited.
        claimed: Epsilon and delta that it is said to keep.
        canaries: Number of canaries.
    """

    def simulated() -> Iterator[Guess]:
        generator = np.random.default_rng(0)
        steps, q = mechanism.steps_allowed, mechanism.sampling_probability
        noise = mechanism.noise_multiplier
        for _ in range(SIMULATIONS):
            included = generator.random(canaries) < 0.5
            scores = generator.normal(0, noise * steps**0.5, canaries)
            scores[included] += generator.binomial(steps, q, int(included.sum()))
            variance = (noise**2 + included * q * (1 - q)) / steps
            scores /= np.sqrt(variance * generator.chisquare(max(steps - 1, 1), canaries))
            yield scores, included

    return power_of(simulated(), claimed)


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
