"""The synthesizer `trip_net` in a search."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from tasks.privacy.accountant import epsilon_by_pld, solve_noise_multiplier
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region import Guarantee, TripNet
from tasks.tuning.day import Day, TripDay
from tasks.tuning.divergence import refuse_diverged


@dataclass(frozen=True)
class TunedNetwork:
    """See `tasks.tuning.tuned.Tuned`.

    Attributes:
        settings: The network's.
    """

    settings: TripNet

    @property
    def steps(self) -> int:
        """Training steps."""
        return self.settings.steps

    def noise_for(self, epsilon: float, delta: float) -> float:
        """The noise of a training, its reserve of steps included."""
        settings = self.settings
        steps = settings.steps, settings.reserve_steps
        return _noise_for(epsilon, delta, settings.sampling_probability, *steps)

    def epsilon_of(self, noise_multiplier: float, delta: float) -> float:
        """What such a training costs."""
        settings = self.settings
        steps = settings.steps, settings.reserve_steps
        return _epsilon_of(noise_multiplier, delta, settings.sampling_probability, *steps)

    def train(
        self, day: Day, noise_multiplier: float | None, stops: Sequence[int]
    ) -> Iterator[Callable[[int], pa.Table]]:
        """Train as a region's first night does."""
        from tasks.synthesis.dpsgd import OPTIMIZERS, DpSgd
        from tasks.synthesis.draw import draw_from_network
        from tasks.synthesis.grid import Grid
        from tasks.synthesis.network_file import TrainedNetwork
        from tasks.synthesis.network_training import learning_rate
        from tasks.synthesis.trip_net import TripNetwork

        assert isinstance(day, TripDay)
        assert noise_multiplier is not None
        settings = self.settings
        network = TripNetwork(Grid(day.areas, settings.levels), settings)
        records = network.grid.encode(day.trips)
        optimizer = OPTIMIZERS[settings.optimizer].start(
            network.start(), learning_rate(settings, 0), settings.weight_averaging
        )
        mechanism = SubsampledGaussian(
            settings.sampling_probability,
            noise_multiplier,
            settings.steps,
            settings.reserve_steps,
            settings.l2_norm_clip,
        )
        engine = DpSgd(network, records, mechanism.begin(len(records)), optimizer)

        def draw(rows: int) -> pa.Table:
            return draw_from_network(TrainedNetwork(network, optimizer.averaged), rows)

        for stop in stops:
            while engine.steps < stop:
                with np.errstate(over="ignore", invalid="ignore"):  # which is said below
                    engine.step()
                refuse_diverged(optimizer.weights, engine.steps)
            yield draw


@cache
def _noise_for(epsilon: float, delta: float, probability: float, steps: int, reserve: int) -> float:
    guarantee = Guarantee(epsilon=epsilon, delta=delta)
    return solve_noise_multiplier(guarantee, probability, steps, reserve).noise_multiplier


@cache
def _epsilon_of(noise: float, delta: float, probability: float, steps: int, reserve: int) -> float:
    event = SubsampledGaussian(probability, noise, steps, reserve, 1.0).event()
    return epsilon_by_pld(event, delta)
