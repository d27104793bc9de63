"""What a search needs of a synthesizer: its account, and a training that stops on the way."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from tasks.region import TripNet
from tasks.search import Data, SearchedSettings, Tabled
from tasks.tables import CharLstm
from tasks.tuning.char_lstm import TunedCharLstm
from tasks.tuning.day import Day
from tasks.tuning.field import TunedField
from tasks.tuning.network import TunedNetwork

Draw = Callable[[int], pa.Table]
"""Draws so many rows."""


class Tuned(Protocol):
    """A synthesizer with its settings."""

    @property
    def steps(self) -> int:
        """Steps of a run."""
        ...

    def noise_for(self, epsilon: float, delta: float) -> float:
        """The least noise multiplier that keeps epsilon at delta.

        Raises:
            TargetUnreachableError: If none does.
        """
        ...

    def epsilon_of(self, noise_multiplier: float, delta: float) -> float:
        """What noise costs: an upper bound on epsilon at delta."""
        ...

    def train(
        self, day: Day, noise_multiplier: float | None, stops: Sequence[int]
    ) -> Iterator[Draw]:
        """Train; at each of these numbers of steps, rising, yield what draws rows.

        Without a noise multiplier, which only `char_lstm` may do without, nothing is private.

        Raises:
            DivergedError: If nothing can be drawn any more.
        """
        ...


def tuned(settings: SearchedSettings, data: Data) -> Tuned:
    """The synthesizer of settings, on data of a kind that it learns from."""
    if isinstance(settings, CharLstm):
        assert isinstance(data, Tabled)
        return TunedCharLstm(settings, data.rows)
    return TunedNetwork(settings) if isinstance(settings, TripNet) else TunedField(settings)
