"""The synthesizer `trip_field` in a search."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import dp_accounting
import pyarrow as pa

from tasks.privacy.accountant import epsilon_by_pld, solve_noise
from tasks.region import Guarantee, TripField
from tasks.synthesis.trip_field import Evidence, Field, FieldMechanism, FieldSettings, measure
from tasks.tuning.day import Day, TripDay


@dataclass(frozen=True)
class TunedField:
    """See `tasks.tuning.tuned.Tuned`.

    Attributes:
        settings: The field's.
    """

    settings: TripField

    @property
    def steps(self) -> int:
        """Steps of the fit."""
        return self.settings.steps

    def noise_for(self, epsilon: float, delta: float) -> float:
        """The noise of the one measurement; no setting changes it."""
        return _noise_for(epsilon, delta)

    def epsilon_of(self, noise_multiplier: float, delta: float) -> float:
        """What the measurement costs."""
        return epsilon_by_pld(dp_accounting.GaussianDpEvent(noise_multiplier), delta)

    def train(
        self, day: Day, noise_multiplier: float | None, stops: Sequence[int]
    ) -> Iterator[Callable[[int], pa.Table]]:
        """Measure once; then fit for so many steps, each time from the start."""
        from tasks.synthesis.trip_field.fit import fit

        assert isinstance(day, TripDay)
        assert noise_multiplier is not None
        settings = FieldSettings(steps=self.settings.steps)
        plan = FieldMechanism(day.areas, settings, noise_multiplier).plan(day.trips.num_rows)
        evidence = Evidence.of(measure(day.trips, plan))
        for stop in stops:
            shortened = replace(plan, settings=replace(settings, steps=stop))
            yield partial(_draw, fit(shortened, evidence))


def _draw(field: Field, rows: int) -> pa.Table:
    from tasks.privacy.noise import fresh_generator
    from tasks.synthesis.trip_field.sampling import sample

    return sample(field, rows, fresh_generator())


@cache
def _noise_for(epsilon: float, delta: float) -> float:
    guarantee = Guarantee(epsilon=epsilon, delta=delta)
    no_areas = partial(FieldMechanism, (), FieldSettings())
    return solve_noise(guarantee, no_areas).noise_multiplier
