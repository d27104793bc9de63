"""From a day's trips to the records of DP-SGD: one record for each unit of the guarantee."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.privacy.bounding import bounded_groups
from tasks.privacy.keyed_hash import KeyedHash
from tasks.region.guarantee import Guarantee
from tasks.synthesis.grid import NULL, Grid, Tokens


@dataclass(frozen=True)
class DayRecords:
    """A day's trips, encoded; private.

    Attributes:
        tokens: For the unit `trip` shape (n, tokens). For `vehicle_day` shape
            (vehicles, K, tokens), one vehicle in each row, filled up with null records.
        trips: Number of trips in it; private under `add_remove`.
    """

    tokens: Tokens
    trips: int


def encode_day(grid: Grid, guarantee: Guarantee, trips: pa.Table) -> DayRecords:
    """Encode each trip by itself; under `vehicle_day` choose at most K of each vehicle's.

    The choice is made anew on every call; `tasks.privacy.bounding` says why that is sound.

    Args:
        grid: The public grid.
        guarantee: Its unit is one record.
        trips: Columns as in `tasks.schema.TRIPS`.
    """
    tokens = grid.encode(trips)
    if guarantee.unit == "trip":
        return DayRecords(tokens, len(tokens))
    vehicles = list(zip(trips["feed"].to_pylist(), trips["vehicle_id"].to_pylist(), strict=True))
    times = zip(
        trips["start_time"].cast("int64").to_pylist(),
        trips["end_time"].cast("int64").to_pylist(),
        strict=True,
    )
    rows = [repr((*vehicle, *time)).encode() for vehicle, time in zip(vehicles, times, strict=True)]
    groups = bounded_groups(vehicles, rows, guarantee.trips_per_unit, KeyedHash())
    records = np.full((*groups.shape, tokens.shape[1]), NULL, np.int32)
    records[groups >= 0] = tokens[groups[groups >= 0]]
    return DayRecords(records, int((groups >= 0).sum()))
