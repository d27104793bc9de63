"""What the polls say about the time between two sightings."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.schema.polls import SEEN


@dataclass(frozen=True)
class Presence:
    """The instants at which a feed's vehicles were known to stand where they stood.

    Attributes:
        answered: Times of all answered polls, milliseconds since 1970, ascending, shape [p].
        changed: Whether the poll brought positions (`ok`) or said that nothing had changed
            (`not_modified`), shape [p].
    """

    answered: NDArray[np.int64]
    changed: NDArray[np.bool_]

    @classmethod
    def of_polls(cls, polls: pa.Table) -> "Presence":
        """Made from a table of polls, in any order."""
        seen = polls.filter(pc.is_in(polls["outcome"], pa.array(SEEN)))
        seen = seen.sort_by("fetched_at")
        return cls(
            milliseconds(seen["fetched_at"]),
            pc.equal(seen["outcome"], "ok").to_numpy(),
        )

    def still_there(self, seen_at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Until when a vehicle seen at a time is known to have stood there.

        A `not_modified` answer confirms every position of the `ok` answer before it.

        Args:
            seen_at: Times of sightings, milliseconds, shape [n].

        Returns:
            Times of the last confirming polls, milliseconds, shape [n].
        """
        if not len(self.answered):
            return seen_at
        poll = np.arange(len(self.answered))
        next_change = np.append(np.where(self.changed, poll, len(poll))[1:], len(poll))
        next_change = np.minimum.accumulate(next_change[::-1])[::-1]
        confirmed = self.answered[next_change - 1]
        at = np.searchsorted(self.answered, seen_at, side="right") - 1
        return np.where(at < 0, seen_at, np.maximum(confirmed[at], seen_at))

    def longest_blindness(
        self, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Longest time without an answered poll inside each interval.

        Args:
            starts: Milliseconds, shape [n].
            ends: Milliseconds, shape [n], each at or after its start.

        Returns:
            Milliseconds, shape [n].
        """
        low = np.searchsorted(self.answered, starts, side="right")
        high = np.searchsorted(self.answered, ends, side="left")
        if not len(self.answered):
            return ends - starts
        seen = high > low
        first, last = np.where(seen, low, 0), np.where(seen, high - 1, 0)
        edges = np.maximum(self.answered[first] - starts, ends - self.answered[last])
        # pairs of polls [first, last) of each interval; what lies between two pairs is passed over
        holes = np.append(np.diff(self.answered), 0)
        inside = np.maximum.reduceat(holes, np.stack([first, last], axis=1).ravel())[::2]
        longest = np.maximum(edges, np.where(last > first, inside, 0))
        return np.where(seen, longest, ends - starts)


def milliseconds(times: pa.ChunkedArray) -> NDArray[np.int64]:
    """Timestamps as milliseconds since 1970, shape [n]."""
    values: NDArray[np.int64] = pc.cast(
        pc.cast(times, pa.timestamp("ms", "UTC")), pa.int64()
    ).to_numpy()
    return values
