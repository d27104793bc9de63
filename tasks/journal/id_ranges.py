"""Ranges of vehicle ids, by which a day that is too large for memory is gone through in parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.journal.day import Entry

_SAMPLE = 1 << 16  # ids from which the ranges are made


@dataclass(frozen=True)
class IdRange:
    """Vehicle ids from `low` on and before `high`; None is no bound."""

    low: str | None = None
    high: str | None = None

    def of(self, sightings: pa.RecordBatch) -> pa.RecordBatch:
        """The sightings of these vehicles."""
        if self.low is None and self.high is None:
            return sightings
        ids = sightings.column("vehicle_id")
        within = pa.array(np.ones(len(ids), dtype=bool))
        if self.low is not None:
            within = pc.and_(within, pc.greater_equal(ids, self.low))
        if self.high is not None:
            within = pc.and_(within, pc.less(ids, self.high))
        return sightings.filter(within)


ALL_IDS = IdRange()
"""Every vehicle."""


def id_ranges(entries: Sequence[Entry], parts: int) -> list[IdRange]:
    """Ranges of ids that hold about as many sightings each, in order; together all ids.

    Args:
        entries: The polls.
        parts: How many ranges at most.
    """
    if parts <= 1:
        return [ALL_IDS]
    stride = max(1, sum(entry.poll.vehicles for entry in entries) // _SAMPLE)
    sample: list[str] = []
    begin = 0  # within the next poll
    for entry in entries:
        ids = entry.sightings().column("vehicle_id")
        sample += ids.take(pa.array(range(begin, len(ids), stride), pa.int64())).to_pylist()
        begin = (begin - len(ids)) % stride
    sample.sort()
    bounds = sorted({sample[len(sample) * part // parts] for part in range(1, parts)})
    return [IdRange(low, high) for low, high in pairwise([None, *bounds, None])]
