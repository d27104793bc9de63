"""The synthesizer `trip_field` on a twin."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.counts.synthesizer import AuditedCounts, with_next_to_no_noise
from tasks.audit.twin import Twin
from tasks.privacy.weighted_counts import Counts, WeightedMeasurement
from tasks.region.guarantee import Guarantee
from tasks.region.model import TripField
from tasks.synthesis.trip_field import (
    Evidence,
    Field,
    FieldSettings,
    Plan,
    log_density,
    make_plan,
    measure,
)
from tasks.synthesis.trip_field.lattice import Lattice
from tasks.synthesis.trip_field.tables import touched


@dataclass(frozen=True)
class CountedTrips:
    """Trips, counted by `trip_field`; see `tasks.audit.counts.counting.Counting`.

    Attributes:
        plan: What is measured.
    """

    plan: Plan

    @property
    def lattice(self) -> Lattice:
        """The public lattice."""
        return self.plan.lattice

    @property
    def mechanism(self) -> WeightedMeasurement:
        """What measures."""
        return self.plan.mechanism

    def touched(self, trips: pa.Table) -> dict[str, Counts]:
        """The cells that each trip adds 1 to, by table."""
        return touched(self.plan.lattice, self.plan.lattice.encode(trips))

    def measure(self, trips: pa.Table) -> Mapping[str, Counts]:
        """Measure once, as a night does."""
        return measure(trips, self.plan).counts


@dataclass(frozen=True)
class FieldModel:
    """A fitted field.

    Attributes:
        field: The field.
    """

    field: Field

    def log_likelihood(self, trips: pa.Table) -> NDArray[np.float64]:
        """The logarithm of the density at each trip, shape (n,), nats."""
        return np.asarray(log_density(self.field, trips), np.float64)

    def draw(self, rows: int) -> pa.Table:
        """Draw a release."""
        from tasks.privacy.noise import fresh_generator
        from tasks.synthesis.trip_field.sampling import sample

        return sample(self.field, rows, fresh_generator())


class AuditedField(AuditedCounts):
    """A region's field on a twin.

    Args:
        twin: What it is audited on.
        settings: Of the field.
        is_quick: Whether to fit for a few steps only.
    """

    def __init__(self, twin: Twin, settings: TripField, is_quick: bool) -> None:
        super().__init__(twin, settings.steps, is_quick)

    def counting(self, guarantee: Guarantee, rows: int) -> CountedTrips:
        """What a night counts of so many trips, its noise solved for a guarantee."""
        settings = FieldSettings(steps=self.steps)
        return CountedTrips(make_plan(self.twin.region.service_area, rows, guarantee, settings))

    def train(self, trips: pa.Table, is_private: bool) -> FieldModel:
        """Measure and fit as the region's nights do, or with next to no noise.

        The tables are those that a night measures of the whole twin, also where only a half of it
        is given: what is fine enough to betray a trip is measured.
        """
        plan = replace(self._promised, rows=trips.num_rows)
        if not is_private:
            plan = replace(plan, mechanism=with_next_to_no_noise(plan.mechanism))
        return FieldModel(_fitted(trips, plan))

    @cached_property
    def _promised(self) -> Plan:
        return self.counting(self.twin.region.guarantee, self.twin.trips.num_rows).plan


def _fitted(trips: pa.Table, plan: Plan) -> Field:
    """The field of what is measured of some trips."""
    from tasks.synthesis.trip_field.fit import fit

    return fit(plan, Evidence.of(measure(trips, plan)))
