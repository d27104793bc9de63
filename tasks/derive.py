"""Derive: from a sealed day of sightings to the private table of trips."""

import datetime as dt
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.files import Layout, read_manifest, write_manifest
from tasks.mobility.sealed import day_of_trips
from tasks.region import Region
from tasks.schema import TRIPS


@task(cache_policy=NO_CACHE, persist_result=False)
def derive(region: Region, day: dt.date) -> dict[str, Any]:
    """Find the moves of a sealed day, flag them, and store the private table.

    Returns:
        The manifest: `moves`, `trips` and the moves that are no trips, counted by flag.
    """
    layout = Layout.from_environment()
    directory = layout.trips(region.id, day)
    if (done := read_manifest(directory)) is not None:
        return done
    sealed = layout.sightings(region.id, day)
    before = layout.sightings(region.id, day - dt.timedelta(days=1))
    table = day_of_trips(sealed, before, region)
    directory.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, directory / "trips.parquet", compression="zstd")
    fields = {
        "kind": "trips",
        "region": region.id,
        "service_day": day.isoformat(),
        "schema_version": TRIPS.version,
        "rules": region.trips.model_dump(),
        "moves": table.num_rows,
        "trips": pc.sum(table["is_trip"], min_count=0).as_py(),
        "outside_area": table["area"].null_count,
        "spans_gap": pc.sum(table["spans_gap"], min_count=0).as_py(),
        "too_fast": pc.sum(table["too_fast"], min_count=0).as_py(),
    }
    write_manifest(directory, fields, ["trips.parquet"])
    get_run_logger().info("Derived %d moves, %d of them trips", fields["moves"], fields["trips"])
    return read_manifest(directory) or {}
