"""The synthesizer `char_lstm` in a search, with and without privacy."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tasks.privacy.accountant import epsilon_by_pld, solve_noise_multiplier
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region import Guarantee
from tasks.synthesis.char_plan import mechanism_for
from tasks.tables import CharLstm, to_lines
from tasks.tuning.day import Day
from tasks.tuning.divergence import refuse_diverged
from tasks.tuning.table_day import LINE, TableDay

if TYPE_CHECKING:
    from tasks.synthesis.char_lstm import CharNetwork, PrivateTraining
    from tasks.synthesis.char_lstm.plain import PlainTraining


@dataclass(frozen=True)
class TunedCharLstm:
    """See `tasks.tuning.tuned.Tuned`.

    Attributes:
        settings: The network's.
        rows: Rows of the table, public.
    """

    settings: CharLstm
    rows: int

    @property
    def steps(self) -> int:
        """Training steps, the same with privacy and without."""
        return max(1, round(self.settings.epochs * self.rows / self.settings.batch))

    def noise_for(self, epsilon: float, delta: float) -> float:
        """The noise of a training."""
        mechanism = self._mechanism(1.0)
        return _noise_for(epsilon, delta, mechanism.sampling_probability, mechanism.steps)

    def epsilon_of(self, noise_multiplier: float, delta: float) -> float:
        """What such a training costs."""
        return _epsilon_of(self._mechanism(noise_multiplier), delta)

    def train(
        self, day: Day, noise_multiplier: float | None, stops: Sequence[int]
    ) -> Iterator[Callable[[int], pa.Table]]:
        """Train, by DP-SGD if there is noise; lines are drawn from all characters."""
        from tasks.synthesis.char_lstm import CharNetwork, sample_lines

        assert isinstance(day, TableDay)
        network = CharNetwork(day.table, self.settings)
        training, done = self._begin(network, day, noise_multiplier), 0

        def draw(rows: int) -> pa.Table:
            temperature = self.settings.temperature
            lines = sample_lines(network, training.weights, rows, temperature=temperature)
            return pa.table({LINE: pa.array(lines, pa.string())})

        for stop in stops:
            while done < stop:
                with np.errstate(over="ignore", invalid="ignore"):  # which is said below
                    training.step()
                done += 1
                refuse_diverged(training.weights, done)
            yield draw

    def _begin(
        self, network: "CharNetwork", day: TableDay, noise_multiplier: float | None
    ) -> "PlainTraining | PrivateTraining":
        from tasks.synthesis.char_lstm import PrivateTraining
        from tasks.synthesis.char_lstm.plain import PlainTraining

        records = network.encode(to_lines(day.real, day.table))
        if noise_multiplier is None:
            return PlainTraining(network, records, day.seed)
        return PrivateTraining(network, records, self._mechanism(noise_multiplier))

    def _mechanism(self, noise_multiplier: float) -> SubsampledGaussian:
        return mechanism_for(self.settings, self.rows, noise_multiplier)


@cache
def _noise_for(epsilon: float, delta: float, probability: float, steps: int) -> float:
    guarantee = Guarantee(epsilon=epsilon, delta=delta)
    return solve_noise_multiplier(guarantee, probability, steps).noise_multiplier


@cache
def _epsilon_of(mechanism: SubsampledGaussian, delta: float) -> float:
    return epsilon_by_pld(mechanism.event(), delta)
