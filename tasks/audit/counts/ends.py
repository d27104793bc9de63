"""The synthesizer `trip_ends` on a twin."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.counts.rides import CountedRides, unlinked
from tasks.audit.counts.synthesizer import AuditedCounts, with_next_to_no_noise
from tasks.audit.twin import Twin
from tasks.region.guarantee import Guarantee
from tasks.region.model import TripEnds
from tasks.schema import RELEASE
from tasks.synthesis.trip_ends import (
    EndsField,
    EndsPlan,
    EndsSettings,
    evidence_of,
    log_density,
    make_plan,
    measure,
)
from tasks.synthesis.trip_ends.tables import KINDS


@dataclass(frozen=True)
class EndsModel:
    """Fitted densities of starts and of ends.

    Attributes:
        field: Both.
    """

    field: EndsField

    def log_likelihood(self, trips: pa.Table) -> NDArray[np.float64]:
        """The logarithm of the densities at each ride's start and end, shape (n,), nats.

        Nothing more of a ride is in a model: pairs are made of the densities and of public laws.
        """
        ends = unlinked(trips)
        start, end = (log_density(self.field, ends, kind) for kind in KINDS)
        return np.asarray(start + end)

    def draw(self, rows: int) -> pa.Table:
        """Draw modelled trips of about so many starts and ends."""
        from tasks.privacy.noise import fresh_generator
        from tasks.synthesis.trip_ends.pairing import pair
        from tasks.synthesis.trip_ends.trips import modelled_trips

        pairing = pair(replace(self.field, starts=rows, ends=rows))
        return modelled_trips(pairing, fresh_generator()).select(list(RELEASE.names))


class AuditedEnds(AuditedCounts):
    """A region's densities of starts and ends on a twin of modelled trips.

    Args:
        twin: What it is audited on.
        settings: Of the synthesizer.
        is_quick: Whether to fit for a few steps only.
    """

    def __init__(self, twin: Twin, settings: TripEnds, is_quick: bool) -> None:
        super().__init__(twin, settings.steps, is_quick)

    def counting(self, guarantee: Guarantee, rows: int) -> CountedRides:
        """What a night counts of so many starts and as many ends."""
        settings = EndsSettings(steps=self.steps)
        area = self.twin.region.service_area
        return CountedRides(make_plan(area, rows, rows, guarantee, settings))

    def train(self, trips: pa.Table, is_private: bool) -> EndsModel:
        """Measure and fit as the region's nights do, or with next to no noise.

        The tables are those that a night measures of the whole twin.
        """
        from tasks.synthesis.trip_ends.fit import fit

        plan = replace(self._promised, starts=trips.num_rows, ends=trips.num_rows)
        if not is_private:
            plan = replace(plan, mechanism=with_next_to_no_noise(plan.mechanism))
        return EndsModel(fit(plan, evidence_of(measure(unlinked(trips), plan))))

    @cached_property
    def _promised(self) -> EndsPlan:
        return self.counting(self.twin.region.guarantee, self.twin.trips.num_rows).plan
