"""Starts and ends of rides that nothing links, as they are counted of a twin's trips.

A twin's rides are trips, whose start and end are known to belong together: what one ride can change
is audited as a whole. They are taken to start in the hour in which they end.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from tasks.privacy.weighted_counts import Counts, WeightedMeasurement
from tasks.synthesis.trip_ends import EndsPlan, measure
from tasks.synthesis.trip_ends.tables import touched
from tasks.synthesis.trip_field.lattice import Lattice

_ENDS = {"start": "origin", "end": "destination"}


@dataclass(frozen=True)
class CountedRides:
    """Starts and ends, counted apart; see `tasks.audit.counts.counting.Counting`.

    Attributes:
        plan: What is measured.
    """

    plan: EndsPlan

    @property
    def lattice(self) -> Lattice:
        """The public lattice."""
        return self.plan.lattice

    @property
    def mechanism(self) -> WeightedMeasurement:
        """What measures."""
        return self.plan.mechanism

    def touched(self, trips: pa.Table) -> dict[str, Counts]:
        """The cells that each ride adds 1 to: one in each table of starts, and of ends."""
        return touched(self.plan.lattice, unlinked(trips))

    def measure(self, trips: pa.Table) -> Mapping[str, Counts]:
        """Measure once, as a night does."""
        return measure(unlinked(trips), self.plan).counts


def unlinked(trips: pa.Table) -> pa.Table:
    """First the starts and then the ends of trips, each in their order.

    Args:
        trips: Columns as `tasks.schema.RELEASE`.

    Returns:
        Those columns of `tasks.schema.ENDS` that are measured.
    """
    return pa.concat_tables(
        [
            pa.table(
                {
                    "kind": pa.repeat(kind, trips.num_rows),
                    "hour": trips["hour"],
                    "latitude": trips[f"{end}_latitude"],
                    "longitude": trips[f"{end}_longitude"],
                    "area": trips["area"],
                }
            )
            for kind, end in _ENDS.items()
        ]
    )
