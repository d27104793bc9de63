"""What is counted of trips by one synthesizer: all that an audit of its measurement asks for."""

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa

from tasks.privacy.weighted_counts import Counts, WeightedMeasurement
from tasks.synthesis.trip_field.lattice import Lattice


class Counting(Protocol):
    """A measurement of trips, columns as `tasks.schema.RELEASE`; each is one unit's, or a part."""

    @property
    def lattice(self) -> Lattice:
        """The public lattice."""
        ...

    @property
    def mechanism(self) -> WeightedMeasurement:
        """What measures."""
        ...

    def touched(self, trips: pa.Table) -> dict[str, Counts]:
        """For each table the cells that each trip adds 1 to, shape (trips, distinct); -1 is none.

        Trips are such as `lattice.encode` keeps.
        """
        ...

    def measure(self, trips: pa.Table) -> Mapping[str, Counts]:
        """Measure once, as a night does: for each table the noisy multiplied counts."""
        ...
