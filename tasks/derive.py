"""Derive: from a sealed day of sightings to the private table of trips."""

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from tasks import exchange
from tasks.artifacts import artifact_key
from tasks.files import Layout, read_manifest, write_manifest
from tasks.mobility.ends import count_ends
from tasks.mobility.regime import IdRegime, why_no_trips
from tasks.mobility.sealed import ends_of_feed, trips_of_feed
from tasks.mobility.trips import count_moves
from tasks.refusal import note_refusal
from tasks.region import Feed, Region
from tasks.schema import ENDS, TRIPS
from tasks.step import step


@step(
    "derive-{region.id}-{day}",
    reads=[exchange.sightings, exchange.sightings_before, exchange.derived],
    writes=exchange.derived,
)
def derive(region: Region, day: dt.date) -> dict[str, Any]:
    """Find the moves of a sealed day, flag them, and store the private table.

    A region whose feeds change their ids gets the unlinked starts and ends of its day instead; one
    of whose feeds nothing can be released gets what there is of them, and one sentence that says
    why. Feeds are gone through one by one and written as they go, a row group each.

    Returns:
        The manifest. Of trips: `moves`, `trips`, the moves that are no trips, counted by flag,
        and the moves over other distances. Of ends: `starts`, `ends` and those `outside` the
        service area; and `no_trips`, the sentence, if there is nothing to release. Of both: for
        each feed the id regime declared and measured.

    Raises:
        MobilityError: If the sealed day lacks a file of a feed.
    """
    layout = Layout.from_environment()
    if region.yields == "trips":
        return _derive_trips(region, day, layout)
    manifest = _derive_ends(region, day, layout)
    if "no_trips" not in manifest:
        return manifest
    get_run_logger().info("%s", manifest["no_trips"])
    note_refusal(region, day, manifest["no_trips"])
    create_markdown_artifact(
        key=artifact_key("no-trips", region, day),
        markdown=manifest["no_trips"],
        description=f"Why there are no trips, {region.name}, {day}",
    )
    return manifest


def _derive_trips(region: Region, day: dt.date, layout: Layout) -> dict[str, Any]:
    directory = layout.trips(region.id, day)
    if (done := read_manifest(directory)) is not None:
        return done
    sealed = layout.sightings(region.id, day)
    before = layout.sightings(region.id, day - dt.timedelta(days=1))
    counts: Counter[str] = Counter()
    moves_over_m, id_regime = {}, {}
    with _writer(directory, "trips.parquet", TRIPS.arrow()) as writer:
        for feed in region.feeds:
            found = trips_of_feed(sealed, before, feed, region)
            writer.write_table(found.table)
            counts.update(count_moves(found.table))
            moves_over_m[feed.id] = found.moves_over_m
            id_regime[feed.id] = _compare_regimes(region, feed, found.regime)
    fields = {
        "kind": "trips",
        "region": region.id,
        "service_day": day.isoformat(),
        "schema_version": TRIPS.version,
        "rules": region.trips.model_dump(),
        **counts,
        "moves_over_m": moves_over_m,
        "id_regime": id_regime,
    }
    write_manifest(directory, fields, ["trips.parquet"])
    if region.guarantee.adjacency == "zero_out":
        numbers = counts["moves"], counts["trips"]
        get_run_logger().info("Derived %d moves, %d of them trips", *numbers)
    else:
        get_run_logger().info("Derived the trips; how many is private")
    return read_manifest(directory) or {}


def _derive_ends(region: Region, day: dt.date, layout: Layout) -> dict[str, Any]:
    directory = layout.ends(region.id, day)
    done = read_manifest(directory)
    if done is not None and _is_current(done, region):
        return done
    sealed = layout.sightings(region.id, day)
    counts: Counter[str] = Counter()
    id_regime = {}
    with _writer(directory, "ends.parquet", ENDS.arrow()) as writer:
        for feed in region.feeds:
            table, regime = ends_of_feed(sealed, feed, region)
            writer.write_table(table)
            counts.update(count_ends(table))
            id_regime[feed.id] = _compare_regimes(region, feed, regime)
    fields = {
        "kind": "ends",
        "region": region.id,
        "service_day": day.isoformat(),
        "schema_version": ENDS.version,
        **counts,
        "id_regime": id_regime,
    }
    if region.yields == "nothing":
        fields["no_trips"] = _no_trips(region, day, directory / "ends.parquet")
    write_manifest(directory, fields, ["ends.parquet"])
    if region.guarantee.adjacency == "zero_out":
        numbers = counts["starts"], counts["ends"]
        get_run_logger().info("Derived %d starts and %d ends that nothing links", *numbers)
    else:
        get_run_logger().info("Derived starts and ends that nothing links; how many is private")
    return read_manifest(directory) or {}


def _is_current(done: dict[str, Any], region: Region) -> bool:
    """Whether a manifest of ends is of this version, and for what the feeds now are."""
    counts = done["schema_version"] == ENDS.version and "outside" in done
    return counts and ("no_trips" in done) == (region.yields == "nothing")


def _writer(directory: Path, name: str, schema: pa.Schema) -> pq.ParquetWriter:
    directory.mkdir(parents=True, exist_ok=True)
    return pq.ParquetWriter(directory / name, schema, compression="zstd")


def _no_trips(region: Region, day: dt.date, ends: Path) -> str:
    changing = [feed for feed in region.feeds if feed.id_regime != "static"]
    reasons = "; ".join(f"feed {feed.id}: {why_no_trips(feed.id_regime)}" for feed in changing)
    remedy = "give the region feeds whose ids are static"
    if any(feed.id_regime == "per_trip" for feed in changing):
        remedy = "give the feeds whose ids change with every ride a region of their own"
    if any(feed.id_regime != "per_poll" for feed in changing):
        remedy += f"; starts and ends of rides that nothing links are in {ends}"
    return f"region {region.id}, {day}: no trips are derived: {reasons}; {remedy}"


def _compare_regimes(region: Region, feed: Feed, measured: IdRegime) -> dict[str, Any]:
    """What the manifest says of a feed's ids; staff are told where they are not as declared.

    The one check of the real day against what is public: a declared exception. Nothing that is
    derived or published depends on it.
    """
    differs = measured.regime not in (feed.id_regime, "unknown")
    if differs or measured.in_ride_visible:
        shows_numbers = region.guarantee.adjacency == "zero_out"
        get_run_logger().warning(
            "%s: declared %s, measured %s: %s",
            feed.id,
            feed.id_regime,
            measured.regime,
            measured.sentence if shows_numbers else "the private manifest says why",
        )
    if measured.in_ride_visible and region.guarantee.unit == "trip" and region.yields == "trips":
        get_run_logger().warning(
            "%s: the unit trip protects a part of a ride; choose the unit vehicle_day", feed.id
        )
    return {
        "declared": feed.id_regime,
        "measured": measured.regime,
        "differs": differs,
        "evidence": measured.evidence(),
    }
