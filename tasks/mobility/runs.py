"""Runs: one vehicle id seen in poll after poll without a break."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.mobility.distance import haversine
from tasks.mobility.errors import MobilityError
from tasks.mobility.moves import MINIMUM_MOVE_M
from tasks.mobility.pieces import Piece, whole_vehicles
from tasks.mobility.presence import Presence, milliseconds

KEPT_RUNS = 1_000_000
"""Runs and hops of a day that are kept in memory, some 40 bytes each."""

_PARTS = 8  # into which a stretch of sightings with a break is cut


@dataclass(frozen=True)
class Polls:
    """The polls of a day that brought positions; step k is what happens between k and k + 1.

    Attributes:
        times: Milliseconds since 1970, ascending, shape [p].
        confirmed: Until when the positions of each are known to have stood, because the feed
            said that nothing had changed; milliseconds, shape [p].
    """

    times: NDArray[np.int64]
    confirmed: NDArray[np.int64]

    @classmethod
    def of(cls, polls: pa.Table) -> Self:
        """Made from a table of polls, in any order."""
        brought = polls.filter(pc.equal(polls["outcome"], "ok"))
        times = np.unique(milliseconds(brought["fetched_at"]))
        return cls(times, Presence.of_polls(polls).still_there(times))

    @property
    def step_ms(self) -> NDArray[np.int64]:
        """How long nothing is known of each step, milliseconds, shape [p - 1]."""
        return self.times[1:] - self.confirmed[:-1]

    def index(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which polls brought the sightings of these times.

        Raises:
            MobilityError: If one of the times is not that of a poll.
        """
        at = np.searchsorted(self.times, times)
        if not len(self.times) or (self.times[np.minimum(at, len(self.times) - 1)] != times).any():
            raise MobilityError(
                "a sighting's fetched_at is that of no answered poll: the files of sightings and "
                "polls are not from one seal; seal the day again"
            )
        return at


@dataclass(frozen=True)
class Runs:
    """The runs of some vehicles, by vehicle and time, and the hops inside them.

    A hop is a move from one poll to the next: the vehicle was not away in between.

    Attributes:
        first: Poll that begins each run, shape [r].
        last: Poll that ends it, shape [r].
        is_first: Whether it is the first run of its vehicle id in the day, shape [r].
        is_last: Whether it is the last one, shape [r].
        first_place: Microdegrees of latitude and longitude in the first poll, shape [2, r].
        last_place: Microdegrees in the last poll, shape [2, r].
        hops: Step of each hop, shape [h].
        chained: Whether the same vehicle hopped in the step before too, and went on from there:
            it did not come back to where it was, shape [h].
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    is_first: NDArray[np.bool_]
    is_last: NDArray[np.bool_]
    first_place: NDArray[np.int32]
    last_place: NDArray[np.int32]
    hops: NDArray[np.int64]
    chained: NDArray[np.bool_]

    def away_m(self) -> NDArray[np.float64]:
        """How far from the end of its id's run before each run begins; NaN for first runs, [r]."""
        distance = np.full(len(self.first), np.nan)
        later = np.flatnonzero(~self.is_first)
        distance[later] = distance_m(self.last_place[:, later - 1], self.first_place[:, later])
        return distance


class RunsOfDay:
    """The runs of a day, gone through as often as wanted.

    They are found in the one pass over the day in which others look at its pieces too. A day of
    so many that they would fill the memory, such as one of new ids in every poll, is read again
    each time.
    """

    def __init__(self, sightings: Iterable[pa.Table], polls: Polls) -> None:
        """With nothing seen yet.

        Args:
            sightings: Chunks, cut anywhere, of the table that `see` is shown in pieces.
            polls: The polls of that day.
        """
        self.polls = polls
        self._sightings = sightings
        self._kept: list[Runs] | None = []
        self._size = 0

    @classmethod
    def of(cls, sightings: Iterable[pa.Table], polls: pa.Table) -> Self:
        """The runs of a day that nobody else looks at.

        Raises:
            MobilityError: If a sighting is of no poll.
        """
        runs = cls(sightings, Polls.of(polls))
        for piece in whole_vehicles(sightings):
            runs.see(piece)
        return runs

    def see(self, piece: Piece) -> None:
        """Find the runs of some more vehicles.

        Raises:
            MobilityError: If a sighting is of no poll.
        """
        if self._kept is None:
            return
        runs = runs_in(piece, self.polls)
        self._kept.append(runs)
        self._size += len(runs.first) + len(runs.hops)
        if self._size > KEPT_RUNS:
            self._kept = None

    def __iter__(self) -> Iterator[Runs]:
        """A few vehicles at a time."""
        if self._kept is not None:
            yield from self._kept
            return
        for piece in whole_vehicles(self._sightings):
            yield runs_in(piece, self.polls)


def runs_in(piece: Piece, polls: Polls) -> Runs:
    """The runs of some vehicles.

    Raises:
        MobilityError: If a sighting is of no poll.
    """
    breaks = _breaks(piece, polls)
    last = np.union1d(breaks, piece.ends)
    first = np.append(0, last[:-1] + 1)
    return Runs(
        polls.index(piece.times[first]),
        polls.index(piece.times[last]),
        np.isin(first, piece.begins, assume_unique=True),
        np.isin(last, piece.ends, assume_unique=True),
        piece.places(first),
        piece.places(last),
        *_hops(piece, polls, breaks),
    )


def distance_m(
    some: NDArray[np.integer[Any]], others: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Metres between places in microdegrees, shapes [2, n] and [2, n] or what broadcasts."""
    return haversine(some[0] / 1e6, some[1] / 1e6, others[0] / 1e6, others[1] / 1e6)


def _breaks(piece: Piece, polls: Polls) -> NDArray[np.int64]:
    """The steps over which a vehicle was missing from at least one poll, in order.

    From row to row the poll grows by one or more. Where it grew by as much as the row there is no
    break in between; other stretches are cut into parts until they are a step, so that few rows
    are looked at.
    """
    found = [np.empty(0, dtype=np.int64)]
    low, high = piece.begins, piece.ends
    while len(low):
        cuts = low[:, None] + (high - low)[:, None] * np.arange(_PARTS + 1) // _PARTS
        broken = np.diff(polls.index(piece.times[cuts])) > np.diff(cuts)
        low, high = cuts[:, :-1][broken], cuts[:, 1:][broken]
        is_step = high - low == 1
        found.append(low[is_step])
        low, high = low[~is_step], high[~is_step]
    return np.sort(np.concatenate(found))


def _hops(
    piece: Piece, polls: Polls, breaks: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    row = np.setdiff1d(piece.far, breaks, assume_unique=True)
    row = row[distance_m(piece.places(row), piece.places(row + 1)) > MINIMUM_MOVE_M]
    step = polls.index(piece.times[row])
    follows = np.diff(row, prepend=-2) == 1  # never across a break or two vehicles
    follows &= polls.confirmed[step] == polls.times[step]  # it did not stand still in between
    after = np.flatnonzero(follows)
    gone_on = distance_m(piece.places(row[after] - 1), piece.places(row[after] + 1))
    follows[after] = gone_on > MINIMUM_MOVE_M
    return step, follows
