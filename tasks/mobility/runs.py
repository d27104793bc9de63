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
from tasks.mobility.moves import MINIMUM_MOVE_M, far_steps
from tasks.mobility.pieces import id_codes, times_of, whole_vehicles
from tasks.mobility.presence import Presence, milliseconds

_COLUMNS = ("vehicle_id", "fetched_at", "latitude_e6", "longitude_e6")
_NEVER = np.iinfo(np.int64).max


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

    def first_beyond_a_step(self) -> int:
        """Two sightings nearer in time than this, milliseconds, are of consecutive polls."""
        return int((self.times[2:] - self.times[:-2]).min()) if len(self.times) > 2 else _NEVER


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


def find_runs(sightings: Iterable[pa.Table], polls: Polls) -> Iterator[Runs]:
    """The runs of a day, a few vehicles at a time.

    Args:
        sightings: Chunks, cut anywhere, of one table sorted by `vehicle_id` and `fetched_at`.
        polls: The polls of that day.

    Raises:
        MobilityError: If a sighting is of no poll.
    """
    shortest = polls.first_beyond_a_step()
    for piece in whole_vehicles(sightings, _COLUMNS):
        code, times = id_codes(piece), times_of(piece)
        changes = code[1:] != code[:-1]
        breaks = np.flatnonzero(changes | (np.diff(times) >= shortest))
        breaks = breaks[changes[breaks] | _is_break(polls, times, breaks)]
        begin, end = np.append(0, breaks + 1), np.append(breaks, len(code) - 1)
        place = np.stack([piece[name].chunk(0).to_numpy() for name in _COLUMNS[2:]])
        alone = np.concatenate(([True], changes[breaks], [True]))
        yield Runs(
            polls.index(times[begin]),
            polls.index(times[end]),
            alone[:-1],
            alone[1:],
            place[:, begin],
            place[:, end],
            *_hops(polls, piece, times, place, breaks),
        )


def distance_m(
    some: NDArray[np.integer[Any]], others: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Metres between places in microdegrees, shapes [2, n] and [2, n] or what broadcasts."""
    return haversine(some[0] / 1e6, some[1] / 1e6, others[0] / 1e6, others[1] / 1e6)


def _is_break(polls: Polls, times: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.bool_]:
    is_break: NDArray[np.bool_] = polls.index(times[row + 1]) != polls.index(times[row]) + 1
    return is_break


def _hops(
    polls: Polls,
    piece: pa.Table,
    times: NDArray[np.int64],
    place: NDArray[np.int32],
    breaks: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    row = np.setdiff1d(far_steps(piece, MINIMUM_MOVE_M), breaks, assume_unique=True)
    row = row[distance_m(place[:, row], place[:, row + 1]) > MINIMUM_MOVE_M]
    step = polls.index(times[row])
    follows = np.diff(row, prepend=-2) == 1  # never across a break
    follows &= polls.confirmed[step] == polls.times[step]  # it did not stand still in between
    after = np.flatnonzero(follows)
    gone_on = distance_m(place[:, row[after] - 1], place[:, row[after] + 1]) > MINIMUM_MOVE_M
    follows[after] = gone_on
    return step, follows
