"""What audits of all synthesizers that measure counts share; they differ in what they count."""

from abc import ABC, abstractmethod
from dataclasses import replace

from tasks.audit.check import Check
from tasks.audit.counts.counting import Counting
from tasks.audit.counts.noise import check_noise
from tasks.audit.counts.one_run import CountsAudit
from tasks.audit.counts.pairs import distinguish_counts
from tasks.audit.one_run import OneRun, Power
from tasks.audit.pairs import PairBound
from tasks.audit.twin import Twin
from tasks.privacy.weighted_counts import WeightedMeasurement
from tasks.region.guarantee import Guarantee

_FIT_STEPS, QUICK_FIT_STEPS = 100, 40
"""Steps of a fit at most: dozens of fields are fitted, and all that is private is measured."""
_FEWER_REPLICAS = 5
"""Every replica of a pair draws noise for all tables."""
_NEXT_TO_NO_NOISE = 1024
"""Without privacy the noise is so many times smaller."""


class AuditedCounts(ABC):
    """A synthesizer on a twin; see `tasks.audit.audited.Audited`.

    Args:
        twin: What it is audited on.
        steps: Steps of a night's fit.
        is_quick: Whether to fit for a few steps only.
    """

    def __init__(self, twin: Twin, steps: int, is_quick: bool) -> None:
        self.twin = twin
        self.steps = min(steps, QUICK_FIT_STEPS if is_quick else _FIT_STEPS)
        self._audits: dict[int, CountsAudit] = {}

    @abstractmethod
    def counting(self, guarantee: Guarantee, rows: int) -> Counting:
        """What a night counts of so many trips, its noise solved for a guarantee."""

    def one_run(self, canaries: int, seed: int) -> OneRun:
        """One measurement with trips as canaries."""
        return self._audit(canaries).run(self.twin.trips, seed)

    def power(self, canaries: int) -> Power:
        """What such a measurement can find."""
        return self._audit(canaries).power()

    def pairs(self, replicas: int) -> tuple[PairBound, ...]:
        """Pairs of all tables."""
        claimed = self.twin.claimed
        counting = self.counting(claimed, self.twin.trips.num_rows)
        return distinguish_counts(counting.mechanism, claimed, replicas // _FEWER_REPLICAS)

    def check(self) -> Check:
        """Whether the night's noise is as stated."""
        promised = self.counting(self.twin.region.guarantee, self.twin.trips.num_rows)
        return check_noise(promised.mechanism)

    def _audit(self, canaries: int) -> CountsAudit:
        if canaries not in self._audits:
            claimed = self.twin.claimed
            counting = self.counting(claimed, self.twin.trips.num_rows + canaries)
            self._audits[canaries] = CountsAudit.of(counting, claimed, canaries)
        return self._audits[canaries]


def with_next_to_no_noise(mechanism: WeightedMeasurement) -> WeightedMeasurement:
    """The same tables without privacy: the control of attacks on models."""
    tables = tuple(
        replace(table, multiplier=_NEXT_TO_NO_NOISE * table.multiplier)
        for table in mechanism.tables
    )
    return replace(mechanism, tables=tables)
