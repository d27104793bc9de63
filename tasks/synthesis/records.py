"""From a day's trips to what a mechanism may count: one record for each unit of the guarantee."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.privacy.bounding import bounded_groups
from tasks.privacy.keyed_hash import KeyedHash
from tasks.region.guarantee import Guarantee
from tasks.synthesis.grid import NULL, Grid, Tokens


@dataclass(frozen=True)
class BoundedDay:
    """A day's trips, at most K of each unit; private.

    Attributes:
        trips: The trips that are kept, columns as in `tasks.schema.TRIPS`; or starts and ends of
            rides that nothing links, as in `tasks.schema.ENDS`.
        slots: Under `vehicle_day` shape (vehicles, K), true where a slot holds a trip; row by row
            they are the trips in their order. None where each trip is a unit.
    """

    trips: pa.Table
    slots: NDArray[np.bool_] | None

    def records(self, grid: Grid) -> Tokens:
        """Each trip encoded by itself.

        Returns:
            For the unit `trip` shape (n, tokens). For `vehicle_day` shape (vehicles, K, tokens),
            one vehicle in each row, filled up with null records.
        """
        tokens = grid.encode(self.trips)
        if self.slots is None:
            return tokens
        records = np.full((*self.slots.shape, tokens.shape[1]), NULL, np.int32)
        records[self.slots] = tokens
        return records


def bounded_day(guarantee: Guarantee, trips: pa.Table) -> BoundedDay:
    """Under `vehicle_day` choose at most K of each vehicle's trips; otherwise keep all.

    The choice is made anew on every call; `tasks.privacy.bounding` says why that is sound.

    Args:
        guarantee: Its unit is one record.
        trips: Columns as in `tasks.schema.TRIPS`, or under the unit `trip` in `tasks.schema.ENDS`.
    """
    if guarantee.unit == "trip":
        return BoundedDay(trips, None)
    vehicles = list(zip(trips["feed"].to_pylist(), trips["vehicle_id"].to_pylist(), strict=True))
    times = zip(
        trips["start_time"].cast("int64").to_pylist(),
        trips["end_time"].cast("int64").to_pylist(),
        strict=True,
    )
    rows = [repr((*vehicle, *time)).encode() for vehicle, time in zip(vehicles, times, strict=True)]
    groups = bounded_groups(vehicles, rows, guarantee.trips_per_unit, KeyedHash())
    return BoundedDay(trips.take(groups[groups >= 0]), groups >= 0)
