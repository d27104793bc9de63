"""Derive: from a sealed day of sightings to the private table of trips."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import get_run_logger

from tasks.files import Layout, read_manifest, write_manifest
from tasks.mobility.errors import NoTripsError
from tasks.mobility.regime import IdRegime, why_no_trips
from tasks.mobility.sealed import day_of_ends, day_of_regimes, day_of_trips
from tasks.mobility.trips import count_moves
from tasks.region import Feed, Region
from tasks.schema import ENDS, TRIPS
from tasks.step import step


@step("derive-{region.id}-{day}")
def derive(region: Region, day: dt.date) -> dict[str, Any]:
    """Find the moves of a sealed day, flag them, and store the private table.

    A region with a feed whose ids are not `static` gets the unlinked starts and ends of its day
    instead.

    Returns:
        The manifest: `moves`, `trips`, the moves that are no trips, counted by flag, the moves
        over other distances, and for each feed the id regime declared and measured.

    Raises:
        NoTripsError: If the ids of a feed do not stay; the starts and ends are stored by then.
        MobilityError: If the sealed day lacks a file of a feed.
    """
    layout = Layout.from_environment()
    if changing := [feed for feed in region.feeds if feed.id_regime != "static"]:
        _derive_ends(region, day, layout)
        raise NoTripsError(_no_trips(region, day, changing, layout))
    directory = layout.trips(region.id, day)
    if (done := read_manifest(directory)) is not None:
        return done
    sealed = layout.sightings(region.id, day)
    before = layout.sightings(region.id, day - dt.timedelta(days=1))
    table, sensitivity = day_of_trips(sealed, before, region)
    directory.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, directory / "trips.parquet", compression="zstd")
    fields = {
        "kind": "trips",
        "region": region.id,
        "service_day": day.isoformat(),
        "schema_version": TRIPS.version,
        "rules": region.trips.model_dump(),
        **count_moves(table),
        "moves_over_m": sensitivity,
        "id_regime": _compare_regimes(region.feeds, day_of_regimes(sealed, region)),
    }
    write_manifest(directory, fields, ["trips.parquet"])
    if region.guarantee.adjacency == "zero_out":
        numbers = fields["moves"], fields["trips"]
        get_run_logger().info("Derived %d moves, %d of them trips", *numbers)
    else:
        get_run_logger().info("Derived the trips; how many is private")
    return read_manifest(directory) or {}


def _derive_ends(region: Region, day: dt.date, layout: Layout) -> None:
    """Store the unlinked starts and ends of a day, unless they are stored."""
    directory = layout.ends(region.id, day)
    if read_manifest(directory) is not None:
        return
    sealed = layout.sightings(region.id, day)
    table = day_of_ends(sealed, region)
    directory.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, directory / "ends.parquet", compression="zstd")
    kinds = {kind: pc.sum(pc.equal(table["kind"], kind), min_count=0) for kind in ("start", "end")}
    fields = {
        "kind": "ends",
        "region": region.id,
        "service_day": day.isoformat(),
        "schema_version": ENDS.version,
        "starts": kinds["start"].as_py(),
        "ends": kinds["end"].as_py(),
        "id_regime": _compare_regimes(region.feeds, day_of_regimes(sealed, region)),
    }
    write_manifest(directory, fields, ["ends.parquet"])
    get_run_logger().info(
        "Derived %d starts and %d ends that nothing links", fields["starts"], fields["ends"]
    )


def _no_trips(region: Region, day: dt.date, changing: list[Feed], layout: Layout) -> str:
    reasons = "; ".join(f"feed {feed.id}: {why_no_trips(feed.id_regime)}" for feed in changing)
    remedy = "give the region feeds whose ids are static"
    if any(feed.id_regime != "per_poll" for feed in changing):
        where = layout.ends(region.id, day) / "ends.parquet"
        remedy += f"; starts and ends of rides that nothing links are in {where}"
    return f"region {region.id}, {day}: no trips are derived: {reasons}; {remedy}"


def _compare_regimes(
    feeds: Iterable[Feed], measured: dict[str, IdRegime]
) -> dict[str, dict[str, Any]]:
    """What the manifest says of each feed's ids; staff are told where they are not as declared.

    The one check of the real day against what is public: a declared exception. Nothing that is
    derived or published depends on it.
    """
    compared = {}
    for feed in feeds:
        found = measured[feed.id]
        differs = found.regime not in (feed.id_regime, "unknown")
        if differs or found.in_ride_visible:
            get_run_logger().warning(
                "%s: declared %s, measured %s: %s",
                feed.id,
                feed.id_regime,
                found.regime,
                found.sentence,
            )
        compared[feed.id] = {
            "declared": feed.id_regime,
            "measured": found.regime,
            "differs": differs,
            "evidence": found.evidence(),
        }
    return compared
