"""A network that was trained on some lines, with privacy or without, and what it is asked."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.comparison import RowGuarantee
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
        encoded = self.network.encode(lines)
        return np.asarray(self.network.log_likelihood(self.weights, encoded), np.float64)

    def loss(self, lines: Sequence[str]) -> float:
        """Mean negative log-likelihood of a character, ends of lines included, nats."""
        characters = sum(map(len, lines)) + len(lines)
        return float(-self.log_likelihood(lines).sum() / characters)

    def accuracy(self, lines: Sequence[str]) -> float:
        """Share of characters predicted right, 0 to 1."""
        return float(self.network.accuracy(self.weights, self.network.encode(lines)))

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
    """
    from tasks.synthesis.char_lstm import CharNetwork, train_plainly, train_privately

    network = CharNetwork(table, run.settings)
    records = network.encode(lines)
    if run.guarantee is None:
        start = time.perf_counter()
        weights = train_plainly(network, records, run.seed)
        return Trained(network, weights, None, None, time.perf_counter() - start)
    mechanism = noise_for(run.settings, run.guarantee, len(lines))
    epsilon = epsilons(mechanism.event(), run.guarantee.delta).pld
    start = time.perf_counter()
    weights = train_privately(network, records, mechanism)
    seconds = time.perf_counter() - start
    return Trained(network, weights, epsilon, mechanism.noise_multiplier, seconds)


def noise_for(settings: CharLstm, guarantee: RowGuarantee, rows: int) -> SubsampledGaussian:
    """The mechanism of a private training, with the least noise that keeps its guarantee.

    Args:
        settings: The network and its training.
        guarantee: Epsilon and delta of a row.
        rows: Number of training rows, which is public here.

    Raises:
        TargetUnreachableError: If no noise does.
    """
    probability = min(settings.batch / rows, 0.999)
    steps = max(1, round(settings.epochs / probability))
    return _solved(guarantee.epsilon, guarantee.delta, probability, steps, settings.l2_norm_clip)


@cache
def _solved(
    epsilon: float, delta: float, probability: float, steps: int, clip: float
) -> SubsampledGaussian:
    guarantee = Guarantee(epsilon=epsilon, delta=delta)
    return solve_noise_multiplier(guarantee, probability, steps, l2_norm_clip=clip)
