"""Mechanisms: objects that run a noisy computation and describe the same computation.

The accountant is never given numbers typed a second time: the object whose `begin` draws the
masks and adds the noise is the object whose `event` is accounted.
"""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import dp_accounting
import numpy as np
from numpy.typing import NDArray

from tasks.privacy.errors import StepsSpentError
from tasks.privacy.noise import GaussianNoise
from tasks.privacy.sampler import PoissonSampler


class Mechanism(Protocol):
    """What the accountant needs of a mechanism."""

    def event(self) -> dp_accounting.DpEvent:
        """The event of everything that the mechanism may ever run."""
        ...


@dataclass(frozen=True)
class Composition:
    """Several mechanisms on the same records, each of which may look at what those before gave.

    Attributes:
        parts: The mechanisms.
    """

    parts: tuple[Mechanism, ...]

    def event(self) -> dp_accounting.DpEvent:
        """The events of all parts."""
        return dp_accounting.ComposedDpEvent([part.event() for part in self.parts])


@dataclass(frozen=True)
class SubsampledGaussian:
    """Noisy sums over Poisson-sampled records: the mechanism of DP-SGD. All fields are public.

    Attributes:
        sampling_probability: Chance q of each record to enter each step, 0 < q < 1.
        noise_multiplier: Standard deviation of the noise divided by `l2_norm_clip`, > 0.
        steps: Planned steps, >= 1.
        reserve_steps: Further steps accounted for, so that a crashed run can resume, >= 0.
        l2_norm_clip: Bound on the L2 norm of one record's contribution to a sum, > 0.

    Examples:
        >>> mechanism = SubsampledGaussian(0.1, 9.0, steps=300, reserve_steps=30, l2_norm_clip=1.0)
        >>> mechanism.steps_allowed
        330
        >>> event = mechanism.event()
        >>> event.count, event.event.sampling_probability, event.event.event.noise_multiplier
        (330, 0.1, 9.0)
    """

    sampling_probability: float
    noise_multiplier: float
    steps: int
    reserve_steps: int
    l2_norm_clip: float

    def __post_init__(self) -> None:
        if not 0 < self.sampling_probability < 1:
            raise ValueError(f"sampling_probability {self.sampling_probability} is not in (0, 1)")
        if not (np.isfinite(self.noise_multiplier) and self.noise_multiplier > 0):
            raise ValueError(f"noise_multiplier {self.noise_multiplier} is not positive")
        if not (np.isfinite(self.l2_norm_clip) and self.l2_norm_clip > 0):
            raise ValueError(f"l2_norm_clip {self.l2_norm_clip} is not positive")
        if self.steps < 1 or self.reserve_steps < 0:
            raise ValueError(f"steps {self.steps} + {self.reserve_steps} is not a number of steps")

    @property
    def steps_allowed(self) -> int:
        """Planned steps and the reserve together: what is accounted for."""
        return self.steps + self.reserve_steps

    @property
    def noise_stddev(self) -> float:
        """Standard deviation of the noise on each coordinate of a clipped sum."""
        return self.noise_multiplier * self.l2_norm_clip

    def event(self) -> dp_accounting.DpEvent:
        """The event of every step that this mechanism may ever run, reserve included."""
        return dp_accounting.SelfComposedDpEvent(
            dp_accounting.PoissonSampledDpEvent(
                self.sampling_probability,
                dp_accounting.GaussianDpEvent(self.noise_multiplier),
            ),
            self.steps_allowed,
        )

    def describe(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return asdict(self)

    def begin(self, records: int, expected_records: int | None = None) -> "SubsampledGaussianRun":
        """Start an attempt, with fresh secret keys.

        Args:
            records: Number of records of the day, >= 0.
            expected_records: A public number near it, >= 1, for the divisor of the sums. Default:
                `records` itself, where that is public (`zero_out`).
        """
        return SubsampledGaussianRun(self, records, expected_records)


class SubsampledGaussianRun:
    """One attempt: its own sampling masks, its own noise. Not resumable, by design.

    Args:
        mechanism: What is run.
        records: Number of records of the day; public under `zero_out`, private otherwise.
        expected_records: The public number that the divisor is made of; default: `records`.
    """

    def __init__(
        self, mechanism: SubsampledGaussian, records: int, expected_records: int | None = None
    ) -> None:
        expected = records if expected_records is None else expected_records
        if expected < 1:
            raise ValueError(f"a mechanism needs at least one expected record, got {expected}")
        self.mechanism = mechanism
        self.expected_batch = mechanism.sampling_probability * expected
        self._sampler = PoissonSampler(records, mechanism.sampling_probability)
        self._noise = GaussianNoise(mechanism.noise_stddev)
        self._drawn = 0
        self._released = 0

    def draw(self) -> NDArray[np.int64]:
        """The indices of the records of the next step.

        Raises:
            StepsSpentError: If this attempt alone has run every step accounted for.
        """
        if self._drawn >= self.mechanism.steps_allowed:
            raise StepsSpentError(
                f"all {self.mechanism.steps_allowed} accounted steps have run; none is left"
            )
        self._drawn += 1
        return self._sampler.draw()

    def release(self, clipped_sum: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add this step's noise, once, and divide by the public expected batch.

        Args:
            clipped_sum: Sum over the drawn records of vectors of norm at most `l2_norm_clip`,
                shape (coordinates,).

        Returns:
            The noised mean, shape (coordinates,); safe to look at.

        Raises:
            ValueError: If the step's records were not drawn, or its noise is spent already.
        """
        if self._released >= self._drawn:
            raise ValueError("release needs a draw of its own: one noise per step")
        self._released += 1
        return (clipped_sum + self._noise.draw(clipped_sum.size)) / self.expected_batch
