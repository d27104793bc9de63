"""From the files of a sealed service day to trips, ends and id regimes, one feed at a time."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.mobility.ends import ends_table
from tasks.mobility.errors import MobilityError
from tasks.mobility.moves import MovesOfDay, last_sightings
from tasks.mobility.pieces import COLUMNS, whole_vehicles
from tasks.mobility.regime import IdRegime, measure_regime
from tasks.mobility.runs import Polls, RunsOfDay
from tasks.mobility.trips import trip_table
from tasks.region import Feed, Region
from tasks.schema import ENDS, VEHICLE_TYPES

SENSITIVITY_M = (50, 100, 200)
"""Metres a move might have to exceed; how many do is reported to staff."""


@dataclass(frozen=True)
class RowGroups:
    """The row groups of a sealed file of sightings, one at a time, as often as wanted.

    While one is looked at, a second thread reads the next.

    Attributes:
        path: The file.
    """

    path: Path

    def __iter__(self) -> Iterator[pa.Table]:
        ids = ["vehicle_id", "vehicle_type_id"]
        with (
            pq.ParquetFile(self.path, read_dictionary=ids) as file,
            ThreadPoolExecutor(1) as reader,
        ):
            read = partial(file.read_row_group, columns=list(COLUMNS), use_threads=False)
            ahead = deque[Future[pa.Table]]()
            for i in range(file.num_row_groups):
                ahead.append(reader.submit(read, i))
                if len(ahead) > 1:
                    yield ahead.popleft().result()
            for group in ahead:
                yield group.result()


@dataclass(frozen=True)
class FeedTrips:
    """What one pass over the sealed day of a feed tells.

    Attributes:
        table: Its moves, schema `tasks.schema.TRIPS`.
        moves_over_m: The number of moves over each of `SENSITIVITY_M`.
        regime: How it named its vehicles, as measured.
    """

    table: pa.Table
    moves_over_m: dict[int, int]
    regime: IdRegime


def trips_of_feed(sealed: Path, before: Path, feed: Feed, region: Region) -> FeedTrips:
    """The private table of trips of one feed on one sealed service day.

    Args:
        sealed: Directory of the sealed day.
        before: Directory of the day before, which need not exist: a vehicle's last position
            there is where its first move of the day begins.
        feed: A feed of the region.
        region: The region.

    Raises:
        MobilityError: If the sealed day lacks a file of the feed.
    """
    sightings, polls = _files(sealed, feed.id)
    carried, all_polls = None, polls
    if (yesterday := before / f"{feed.id}.parquet").exists():
        carried = last_sightings(RowGroups(yesterday))
        all_polls = pa.concat_tables([polls, pq.read_table(before / f"{feed.id}.polls.parquet")])
    moves, runs = MovesOfDay(carried), RunsOfDay(sightings, Polls.of(polls))
    for piece in whole_vehicles(sightings):
        moves.see(piece)
        runs.see(piece)
    over = {metres: moves.over(metres).num_rows for metres in SENSITIVITY_M}
    vehicle_types = _vehicle_types(sealed, feed.id)
    table = trip_table(moves.over(), all_polls, vehicle_types, feed.id, region)
    return FeedTrips(table, over, measure_regime(runs))


def ends_of_feed(sealed: Path, feed: Feed, region: Region) -> tuple[pa.Table, IdRegime]:
    """The unlinked starts and ends of one feed on one sealed service day, and its id regime.

    Args:
        sealed: Directory of the sealed day.
        feed: A feed of the region; one that it declares `static` or `per_poll` has no ends.
        region: The region.

    Returns:
        Schema `tasks.schema.ENDS`, and what was measured.

    Raises:
        MobilityError: If the sealed day lacks a file of the feed.
    """
    sightings, polls = _files(sealed, feed.id)
    runs = RunsOfDay.of(sightings, polls)
    regime = measure_regime(runs)
    if feed.id_regime in ("per_trip", "periodic"):
        return ends_table(runs, feed.id, region), regime
    return ENDS.arrow().empty_table(), regime


def _files(sealed: Path, feed: str) -> tuple[RowGroups, pa.Table]:
    sightings, polls = sealed / f"{feed}.parquet", sealed / f"{feed}.polls.parquet"
    if not (sightings.exists() and polls.exists()):
        raise MobilityError(
            f"{sealed}: no sightings of feed {feed}; was it added to the region after that day?"
        )
    return RowGroups(sightings), pq.read_table(polls)


def _vehicle_types(sealed: Path, feed: str) -> pa.Table:
    """The feed's public vehicle types; none for a day that was sealed before they were kept."""
    path = sealed / f"{feed}.vehicle_types.parquet"
    return pq.read_table(path) if path.exists() else VEHICLE_TYPES.arrow().empty_table()
