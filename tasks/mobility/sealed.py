"""Reading sealed service days, row group by row group."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.mobility.errors import MobilityError
from tasks.mobility.moves import find_moves, last_sightings
from tasks.mobility.trips import trip_table
from tasks.region import Region

_COLUMNS = ["vehicle_id", "fetched_at", "latitude_e6", "longitude_e6"]


def day_of_trips(sealed: Path, before: Path, region: Region) -> pa.Table:
    """The private table of trips of one sealed service day, all feeds of the region.

    Args:
        sealed: Directory of the sealed day.
        before: Directory of the day before, which need not exist: a vehicle's last position
            there is where its first move of the day begins.
        region: The region.

    Returns:
        Schema `tasks.schema.TRIPS`.

    Raises:
        MobilityError: If the sealed day lacks a file of a feed.
    """
    return pa.concat_tables([_feed(sealed, before, feed.id, region) for feed in region.feeds])


def _feed(sealed: Path, before: Path, feed: str, region: Region) -> pa.Table:
    sightings, polls = sealed / f"{feed}.parquet", sealed / f"{feed}.polls.parquet"
    if not (sightings.exists() and polls.exists()):
        raise MobilityError(
            f"{sealed}: no sightings of feed {feed}; was it added to the region after that day?"
        )
    yesterday = before / f"{feed}.parquet"
    carried, poll_tables = None, [pq.read_table(polls)]
    if yesterday.exists():
        carried = last_sightings(row_groups(yesterday))
        poll_tables.append(pq.read_table(before / f"{feed}.polls.parquet"))
    moves = find_moves(row_groups(sightings), carried)
    return trip_table(moves, pa.concat_tables(poll_tables), feed, region)


def row_groups(path: Path) -> Iterator[pa.Table]:
    """The row groups of a sealed file of sightings, one at a time."""
    with pq.ParquetFile(path, read_dictionary=["vehicle_id"]) as file:
        for i in range(file.num_row_groups):
            yield file.read_row_group(i, columns=_COLUMNS)
