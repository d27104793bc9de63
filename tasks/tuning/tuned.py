"""What a search needs of a synthesizer: its account, and a training that stops on the way."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from tasks.region import TripField, TripNet
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

    def train(self, day: Day, noise_multiplier: float, stops: Sequence[int]) -> Iterator[Draw]:
        """Train; at each of these numbers of steps, rising, yield what draws rows.

        Raises:
            DivergedError: If nothing can be drawn any more.
        """
        ...


def tuned(settings: TripField | TripNet) -> Tuned:
    """The synthesizer of settings."""
    return TunedNetwork(settings) if isinstance(settings, TripNet) else TunedField(settings)
