"""The synthesizer `trip_field` on a twin."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.check import Check
from tasks.audit.counts.noise import check_noise
from tasks.audit.counts.one_run import CountsAudit
from tasks.audit.counts.pairs import distinguish_counts
from tasks.audit.one_run import OneRun, Power
from tasks.audit.pairs import PairBound
from tasks.audit.twin import Twin
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

FIT_STEPS, QUICK_FIT_STEPS = 100, 40
"""Steps of a fit at most: dozens of fields are fitted, and all that is private is measured."""
_FEWER_REPLICAS = 5
"""Every replica of a pair draws noise for all tables."""
_NEXT_TO_NO_NOISE = 1024
"""Without privacy the noise is so many times smaller."""


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


class AuditedField:
    """A region's field on a twin; see `tasks.audit.audited.Audited`.

    Args:
        twin: What it is audited on.
        settings: Of the field.
        is_quick: Whether to fit for a few steps only.
    """

    def __init__(self, twin: Twin, settings: TripField, is_quick: bool) -> None:
        self.twin = twin
        most = QUICK_FIT_STEPS if is_quick else FIT_STEPS
        self.settings = FieldSettings(steps=min(settings.steps, most))
        self._audits: dict[int, CountsAudit] = {}

    def plan(self, guarantee: Guarantee, rows: int) -> Plan:
        """What a night measures of so many trips, its noise solved for a guarantee."""
        return make_plan(self.twin.region.service_area, rows, guarantee, self.settings)

    def one_run(self, canaries: int, seed: int) -> OneRun:
        """One measurement with trips as canaries."""
        return self._audit(canaries).run(self.twin.trips, seed)

    def power(self, canaries: int) -> Power:
        """What such a measurement can find."""
        return self._audit(canaries).power()

    def pairs(self, replicas: int) -> tuple[PairBound, ...]:
        """Pairs of all tables."""
        claimed = self.twin.claimed
        plan = self.plan(claimed, self.twin.trips.num_rows)
        return distinguish_counts(plan.mechanism, claimed, replicas // _FEWER_REPLICAS)

    def check(self) -> Check:
        """Whether the night's noise is as stated."""
        return check_noise(self._promised.mechanism)

    def train(self, trips: pa.Table, is_private: bool) -> FieldModel:
        """Measure and fit as the region's nights do, or with next to no noise.

        The tables are those that a night measures of the whole twin, also where only a half of it
        is given: what is fine enough to betray a trip is measured.
        """
        plan = replace(self._promised, rows=trips.num_rows)
        if not is_private:
            tables = tuple(
                replace(table, multiplier=_NEXT_TO_NO_NOISE * table.multiplier)
                for table in plan.mechanism.tables
            )
            plan = replace(plan, mechanism=replace(plan.mechanism, tables=tables))
        return FieldModel(_fitted(trips, plan))

    @cached_property
    def _promised(self) -> Plan:
        return self.plan(self.twin.region.guarantee, self.twin.trips.num_rows)

    def _audit(self, canaries: int) -> CountsAudit:
        if canaries not in self._audits:
            plan = self.plan(self.twin.claimed, self.twin.trips.num_rows + canaries)
            self._audits[canaries] = CountsAudit.of(plan, self.twin.claimed, canaries)
        return self._audits[canaries]


def _fitted(trips: pa.Table, plan: Plan) -> Field:
    """The field of what is measured of some trips."""
    from tasks.synthesis.trip_field.fit import fit

    return fit(plan, Evidence.of(measure(trips, plan)))
