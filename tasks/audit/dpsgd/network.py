"""The synthesizer `trip_net` on a twin."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.check import Check
from tasks.audit.dpsgd.one_run import power_of_training, train_once
from tasks.audit.dpsgd.pairs import distinguish_training
from tasks.audit.dpsgd.sampling import check_sampling
from tasks.audit.one_run import OneRun, Power
from tasks.audit.pairs import PairBound
from tasks.audit.twin import Twin
from tasks.privacy.accountant import solve_noise_multiplier
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region.guarantee import Guarantee
from tasks.region.model import TripNet
from tasks.synthesis.grid import Grid, Tokens

if TYPE_CHECKING:
    from tasks.synthesis.dpsgd import Optimizer
    from tasks.synthesis.network_file import TrainedNetwork
    from tasks.synthesis.trip_net import TripNetwork

QUICK_STEPS = 60
"""Training steps of a quick audit."""
_PAIR_STEPS, _PAIR_PROBABILITY = 4, 0.5
"""Few steps with large draws: a pair's scores are cheap, and as telling as those of many steps."""
_SAMPLED_RECORDS = 2000
_NO_CLIP = 1e9


@dataclass(frozen=True)
class NetworkModel:
    """A trained network that reads trips.

    Attributes:
        trained: The network and its weights.
    """

    trained: "TrainedNetwork"

    def log_likelihood(self, trips: pa.Table) -> NDArray[np.float64]:
        """The logarithm of each trip's probability, shape (n,), nats."""
        return self.trained.log_likelihood(self.trained.network.grid.encode(trips))

    def draw(self, rows: int) -> pa.Table:
        """Draw a release."""
        from tasks.synthesis.draw import draw_from_network

        return draw_from_network(self.trained, rows)


class AuditedNetwork:
    """A region's network on a twin; see `tasks.audit.audited.Audited`.

    Args:
        twin: What it is audited on.
        settings: Of the network.
        is_quick: Whether to train for a few steps only.
    """

    def __init__(self, twin: Twin, settings: TripNet, is_quick: bool) -> None:
        self.twin = twin
        if is_quick:
            shortened = {"steps": min(settings.steps, QUICK_STEPS), "reserve_steps": 0}
            settings = settings.model_copy(update=shortened)
        self.settings = settings

    @cached_property
    def network(self) -> "TripNetwork":
        """The region's network."""
        from tasks.synthesis.trip_net import TripNetwork

        grid = Grid(self.twin.region.service_area, self.settings.levels)
        return TripNetwork(grid, self.settings)

    def mechanism(self, guarantee: Guarantee) -> SubsampledGaussian:
        """The region's mechanism, its noise solved for a guarantee."""
        settings = self.settings
        return solve_noise_multiplier(
            guarantee,
            settings.sampling_probability,
            settings.steps,
            settings.reserve_steps,
            settings.l2_norm_clip,
        )

    def one_run(self, canaries: int, seed: int) -> OneRun:
        """One training with gradient canaries."""
        return train_once(
            self.network,
            self.network.start(),
            self.network.grid.encode(self.twin.trips),
            self._inflated,
            self.twin.claimed,
            canaries,
            seed,
        )

    def power(self, canaries: int) -> Power:
        """What such a training can find."""
        return power_of_training(self._inflated, self.twin.claimed, canaries)

    def pairs(self, replicas: int) -> tuple[PairBound, ...]:
        """Pairs of a mechanism of few steps."""
        claimed = self.twin.claimed
        mechanism = solve_noise_multiplier(claimed, _PAIR_PROBABILITY, _PAIR_STEPS)
        return distinguish_training(mechanism, claimed, replicas)

    def check(self) -> Check:
        """Whether the night's draws are Poisson."""
        return check_sampling(self._promised, _SAMPLED_RECORDS)

    def train(self, trips: pa.Table, is_private: bool) -> NetworkModel:
        """Train as the region's nights do, or as long without clipping and without noise."""
        from tasks.synthesis.network_file import TrainedNetwork

        records = self.network.grid.encode(trips)
        optimizer = self._train(records) if is_private else self._train_openly(records)
        return NetworkModel(TrainedNetwork(self.network, optimizer.averaged))

    @cached_property
    def _inflated(self) -> SubsampledGaussian:
        return self.mechanism(self.twin.claimed)

    @cached_property
    def _promised(self) -> SubsampledGaussian:
        return self.mechanism(self.twin.region.guarantee)

    def _train(self, records: Tokens) -> "Optimizer":
        from tasks.synthesis.dpsgd import DpSgd

        optimizer = self._optimizer()
        engine = DpSgd(self.network, records, self._promised.begin(len(records)), optimizer)
        for _ in range(self._promised.steps):
            engine.step()
        return optimizer

    def _train_openly(self, records: Tokens) -> "Optimizer":
        from tasks.synthesis.dpsgd import compiled_clipped_sum

        settings = self.settings
        optimizer = self._optimizer()
        gradient = compiled_clipped_sum(self.network, records, _NO_CLIP)
        generator = np.random.default_rng(0)
        for _ in range(settings.steps):
            drawn = records[generator.random(len(records)) < settings.sampling_probability]
            total = gradient(optimizer.weights, drawn, np.zeros(2, np.int32)).numpy()
            optimizer.update(total.astype(np.float64) / max(len(drawn), 1))
        return optimizer

    def _optimizer(self) -> "Optimizer":
        """The region's optimizer before its first step."""
        from tasks.synthesis.dpsgd import OPTIMIZERS

        settings = self.settings
        return OPTIMIZERS[settings.optimizer].start(
            self.network.start(), settings.learning_rate, settings.weight_averaging
        )
