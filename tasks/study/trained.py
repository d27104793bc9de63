"""A network that was trained on some lines, with privacy or without, and what it is asked."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.comparison import StudyError, TrainingGuarantee
from tasks.privacy.accountant import epsilons, solve_noise_multiplier
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region import Guarantee
from tasks.study.runs import Run
from tasks.tables.settings import CharLstm
from tasks.tables.table import PublicTable

if TYPE_CHECKING:
    from tasks.synthesis.char_lstm import CharNetwork
    from tasks.synthesis.dpsgd import Vector


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes:
        network: The network.
        weights: Its weights.
        epsilon: What the training cost; None without privacy.
        noise_multiplier: Likewise.
        seconds: What it took, by the clock.
    """

    network: "CharNetwork"
    weights: "Vector"
    epsilon: float | None
    noise_multiplier: float | None
    seconds: float

    def log_likelihood(self, lines: Sequence[str]) -> NDArray[np.float64]:
        """Of each line, nats; shape (lines,)."""
        return self.network.log_likelihood(self.weights, self.network.encode(lines))

    def loss(self, lines: Sequence[str]) -> float:
        """Mean negative log-likelihood of a character, ends of lines included, nats."""
        return self.network.mean_loss(self.weights, self.network.encode(lines))

    def accuracy(self, lines: Sequence[str]) -> float:
        """Share of characters predicted right, 0 to 1."""
        return self.network.accuracy(self.weights, self.network.encode(lines))

    def draw(self, rows: int) -> list[str]:
        """Draw so many lines, as the settings have it."""
        from tasks.privacy.noise import fresh_generator
        from tasks.synthesis.char_lstm import sample_lines
        from tasks.tables.grammar import Grammar

        settings = self.network.settings
        grammar = Grammar.of(self.network.table) if settings.well_formed_only else None
        return sample_lines(
            self.network,
            self.weights,
            rows,
            temperature=settings.temperature,
            grammar=grammar,
            generator=fresh_generator(),
        )


def train(run: Run, table: PublicTable, lines: Sequence[str]) -> Trained:
    """Train a run's network.

    Nothing is charged: what comes of it is never published.

    Raises:
        TargetUnreachableError: If no noise keeps the guarantee.
        StudyError: If the weights leave all bounds.
    """
    from tasks.synthesis.char_lstm import CharNetwork, train_privately
    from tasks.synthesis.char_lstm.plain import train_plainly

    network = CharNetwork(table, run.settings)
    records = network.encode(lines)
    if run.guarantee is None:
        start = time.perf_counter()
        weights = _finite(lambda: train_plainly(network, records, run.seed), run)
        return Trained(network, weights, None, None, time.perf_counter() - start)
    mechanism = mechanism_of(run.settings, run.guarantee, len(lines))
    epsilon = epsilons(mechanism.event(), run.guarantee.delta).pld
    start = time.perf_counter()
    weights = _finite(lambda: train_privately(network, records, mechanism), run)
    seconds = time.perf_counter() - start
    return Trained(network, weights, epsilon, mechanism.noise_multiplier, seconds)


def _finite(training: Callable[[], "Vector"], run: Run) -> "Vector":
    with np.errstate(over="ignore", invalid="ignore"):  # which is said here
        weights = training()
    if not np.isfinite(weights).all():
        raise StudyError(
            f"{run.part} {run.name}: its training diverged; lower synthesizer.learning_rate"
        )
    return weights


def mechanism_of(settings: CharLstm, guarantee: TrainingGuarantee, rows: int) -> SubsampledGaussian:
    """What a private training runs, with the least noise that keeps its guarantee.

    Args:
        settings: The network and its training.
        guarantee: Epsilon and delta of a row.
        rows: Number of training rows, which is public here.

    Raises:
        TargetUnreachableError: If no noise does.
        TableError: If the table has no more rows than a batch.
    """
    from tasks.synthesis.char_lstm import mechanism_for

    target = Guarantee(epsilon=guarantee.epsilon, delta=guarantee.delta)
    first = mechanism_for(settings, rows, 1.0)
    noise = _noise_for(target, first.sampling_probability, first.steps)
    return replace(first, noise_multiplier=noise)


@cache
def _noise_for(guarantee: Guarantee, probability: float, steps: int) -> float:
    return solve_noise_multiplier(guarantee, probability, steps).noise_multiplier
