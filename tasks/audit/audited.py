"""What an audit asks of a synthesizer: all in which synthesizers differ, and nothing else."""

from typing import Protocol

import pyarrow as pa

from tasks.audit.check import Check
from tasks.audit.likelihood import Model
from tasks.audit.one_run import OneRun, Power
from tasks.audit.pairs import PairBound
from tasks.audit.twin import Twin
from tasks.region.model import TripEnds, TripField


class Audited(Protocol):
    """A region's synthesizer on the twin of one of its days."""

    def one_run(self, canaries: int, seed: int) -> OneRun:
        """One run of its mechanism, the noise solved for `INFLATED_EPSILON`.

        Args:
            canaries: Number of canaries.
            seed: Seeds the coins.
        """
        ...

    def power(self, canaries: int) -> Power:
        """What such a run can find."""
        ...

    def pairs(self, replicas: int) -> tuple[PairBound, ...]:
        """Neighbouring pairs of its mechanism, the noise solved for `INFLATED_EPSILON`.

        Args:
            replicas: Scores of each day, about.
        """
        ...

    def check(self) -> Check:
        """Whether its mechanism draws what the accountant assumes."""
        ...

    def train(self, trips: pa.Table, is_private: bool) -> Model:
        """A model of some trips, under the region's guarantee or without any.

        The model without is the control of every attack: one that finds nothing in it can find
        nothing at all.

        Args:
            trips: Columns as `tasks.schema.RELEASE`.
            is_private: Whether the guarantee is kept.
        """
        ...


def audited(twin: Twin, is_quick: bool) -> Audited:
    """The synthesizer of the twin's region.

    Args:
        twin: What it is audited on.
        is_quick: Whether to shorten training, for those who only want to see an audit run.
    """
    settings = twin.region.maker
    if isinstance(settings, TripField):
        from tasks.audit.counts.field import AuditedField

        return AuditedField(twin, settings, is_quick)
    if isinstance(settings, TripEnds):
        from tasks.audit.counts.ends import AuditedEnds

        return AuditedEnds(twin, settings, is_quick)
    from tasks.audit.dpsgd.network import AuditedNetwork

    return AuditedNetwork(twin, settings, is_quick)
