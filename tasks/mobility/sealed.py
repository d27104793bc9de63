"""From the files of a sealed service day to trips, ends and id regimes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.mobility.ends import ends_table
from tasks.mobility.errors import MobilityError
from tasks.mobility.moves import COLUMNS, MINIMUM_MOVE_M, find_moves, last_sightings
from tasks.mobility.regime import IdRegime, measure_regime
from tasks.mobility.trips import trip_table
from tasks.region import Region
from tasks.schema import ENDS

SENSITIVITY_M = (50, 100, 200)
"""Metres a move might have to exceed; how many do is reported to staff."""


@dataclass(frozen=True)
class RowGroups:
    """The row groups of a sealed file of sightings, read one at a time, as often as wanted.

    Attributes:
        path: The file.
    """

    path: Path

    def __iter__(self) -> Iterator[pa.Table]:
        with pq.ParquetFile(self.path, read_dictionary=["vehicle_id"]) as file:
            for i in range(file.num_row_groups):
                yield file.read_row_group(i, columns=list(COLUMNS))


def row_groups(path: Path) -> RowGroups:
    """The row groups of a sealed file of sightings."""
    return RowGroups(path)


def day_of_trips(
    sealed: Path, before: Path, region: Region
) -> tuple[pa.Table, dict[str, dict[int, int]]]:
    """The private table of trips of one sealed service day, all feeds of the region.

    Args:
        sealed: Directory of the sealed day.
        before: Directory of the day before, which need not exist: a vehicle's last position
            there is where its first move of the day begins.
        region: The region.

    Returns:
        The table, schema `tasks.schema.TRIPS`, and for each feed the number of moves over each of
        `SENSITIVITY_M`.

    Raises:
        MobilityError: If the sealed day lacks a file of a feed.
    """
    tables, sensitivity = [], {}
    for feed in region.feeds:
        sightings, polls = _files(sealed, feed.id)
        carried, poll_tables = None, [pq.read_table(polls)]
        if (yesterday := before / f"{feed.id}.parquet").exists():
            carried = last_sightings(row_groups(yesterday))
            poll_tables.append(pq.read_table(before / f"{feed.id}.polls.parquet"))
        moves = find_moves(row_groups(sightings), carried, min(SENSITIVITY_M))
        distance = moves["distance_m"].to_numpy()
        sensitivity[feed.id] = {over: int((distance > over).sum()) for over in SENSITIVITY_M}
        moves = moves.take(np.flatnonzero(distance > MINIMUM_MOVE_M))
        tables.append(trip_table(moves, pa.concat_tables(poll_tables), feed.id, region))
    return pa.concat_tables(tables), sensitivity


def day_of_ends(sealed: Path, region: Region) -> pa.Table:
    """The unlinked starts and ends of one sealed service day, of the feeds with changing ids.

    Args:
        sealed: Directory of the sealed day.
        region: The region; feeds it declares `static` or `per_poll` have none.

    Returns:
        Schema `tasks.schema.ENDS`.

    Raises:
        MobilityError: If the sealed day lacks a file of a feed.
    """
    tables = [ENDS.arrow().empty_table()]
    for feed in region.feeds:
        if feed.id_regime in ("per_trip", "periodic"):
            sightings, polls = _files(sealed, feed.id)
            tables.append(ends_table(row_groups(sightings), pq.read_table(polls), feed.id, region))
    return pa.concat_tables(tables)


def day_of_regimes(sealed: Path, region: Region) -> dict[str, IdRegime]:
    """The id regime that was measured of each feed on a sealed service day.

    Raises:
        MobilityError: If the sealed day lacks a file of a feed.
    """
    measured = {}
    for feed in region.feeds:
        sightings, polls = _files(sealed, feed.id)
        measured[feed.id] = measure_regime(row_groups(sightings), pq.read_table(polls))
    return measured


def _files(sealed: Path, feed: str) -> tuple[Path, Path]:
    sightings, polls = sealed / f"{feed}.parquet", sealed / f"{feed}.polls.parquet"
    if not (sightings.exists() and polls.exists()):
        raise MobilityError(
            f"{sealed}: no sightings of feed {feed}; was it added to the region after that day?"
        )
    return sightings, polls
