"""Every file of the real feeds, served over HTTP, collected and sealed."""

import datetime as dt
import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from infra.replay import ReplayServer, captured
from tasks.files import Layout
from tasks.journal import NothingCollectedError, read_day, seal_day
from tasks.region import Region
from tests.conftest import Show
from tests.journeys.conftest import DAY, collect, collect_whole_day, region_of
from tests.tasks.conftest import FeedServer, Reply

BOXES = {
    "portland_2019_2021_stubs": (45.2, -123.1, 45.8, -122.3),
    "bird_maia_v2.2": (41.0, -8.8, 41.4, -8.4),
    "gis_tools_fixtures/v1.1": (35.5, -79.5, 39.5, -76.5),
    "gis_tools_fixtures/v2.2": (35.5, -79.5, 39.5, -76.5),
    "gis_tools_fixtures/v3.0": (49.3, -2.0, 49.8, -1.2),
    "otp_fixtures/ridecheck/almere": (52.2, 5.0, 52.5, 5.4),
    "moby_dublin_v3.0_partial": (53.2, -6.5, 53.5, -6.0),
    "divvy_chicago": (41.5, -88.0, 42.2, -87.4),
    "defect_snippets": (38.7, -77.3, 39.1, -76.9),
    "tier_wolfsburg": (52.30, 10.60, 52.55, 10.95),
}
"""South, west, north, east in degrees, of the places whose files list vehicles."""

RECEIVED = {
    "bird_maia_v2.2/free_bike_status.extract4.json": 4,
    "divvy_chicago/feed.json": 1244,
    "divvy_chicago/free_bike_status.json": 1244,
    "divvy_chicago/gbfs.json": 1244,
    "gis_tools_fixtures/v1.1/free_bike_status.json": 2,
    "gis_tools_fixtures/v1.1/gbfs.json": 2,
    "gis_tools_fixtures/v2.2/free_bike_status.json": 2,
    "gis_tools_fixtures/v2.2/gbfs.json": 2,
    "gis_tools_fixtures/v3.0/gbfs.json": 85,
    "gis_tools_fixtures/v3.0/vehicle_status.json": 85,
    "moby_dublin_v3.0_partial/vehicle_status.first12.json": 12,
    "otp_fixtures/ridecheck/almere/gbfs.json": 6,
    "otp_fixtures/ridecheck/almere/vehicle_status.json": 6,
    "portland_2019_2021_stubs/lime_free_bike_status_extracted.json": 791,
    "portland_2019_2021_stubs/nike_free_bike_status_extracted.json": 375,
    "portland_2019_2021_stubs/spin_free_bike_status_extracted.json": 536,
    "tier_wolfsburg/gbfs.json": 855,
}
"""Vehicles listed by each file, or by the vehicle feed that a discovery file names."""

DISCOVERY = ("gbfs", "feed")
STATUS = (
    "vehicle_status.json",
    "free_bike_status.json",
    "captures/free_bike_status_20230801T100444Z.json.gz",
)

NAMES_OTHER_HOSTS = ("/manifest.json", "/gbfs_versions.json")
"""Files that lead, if followed, off this machine, where a feed with its own clock may not be."""

NOWHERE = (0.0, 0.0, 1.0, 1.0)
"""Of places whose files list no vehicles."""
AT = dt.datetime(2026, 5, 20, 16, tzinfo=dt.UTC)


@dataclass
class Row:
    """What one served file came to."""

    name: str
    version: str
    received: int
    kept: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        reasons = ", ".join(f"{n} {why}" for why, n in sorted(self.quarantined.items())) or "-"
        ends = ", ".join(f"{n} {how}" for how, n in sorted(self.outcomes.items()))
        numbers = f"{self.received:>8} {self.kept:>6}"
        return f"{self.name:<68} {self.version:<4} {numbers}  {reasons:<26} {ends}"


HEAD = f"{'file':<68} {'GBFS':<4} {'received':>8} {'kept':>6}  {'quarantined':<26} outcomes"


def count_vehicles(document: Any) -> int:
    """Records in the vehicle list of a decoded file, counted apart from the code under test."""
    data = document.get("data", document)
    lists = [data.get(name) for name in ("vehicles", "bikes")] if isinstance(data, dict) else []
    return max((len(records) for records in lists if isinstance(records, list)), default=0)


def on_this_server(document: Any, url: str) -> Any:
    """A discovery file whose URLs name the files beside it, as they are served here."""
    if isinstance(document, list):
        return [on_this_server(value, url) for value in document]
    if not isinstance(document, dict):
        return document
    if {"name", "url"} <= set(document):
        return {**document, "url": f"{url}/{document['name']}.json"}
    return {key: on_this_server(value, url) for key, value in document.items()}


def once(body: bytes) -> Callable[[Any], Reply]:
    """Answers a path with the body, and from then on that the feed is over."""
    replies = iter([Reply(body, date=AT)])
    return lambda _: next(replies, Reply(status=410, date=AT))


def serve(server: FeedServer, path: Path, place: str) -> tuple[str, Row]:
    """Serve one file, and what it names if it is a discovery file; its URL and its empty row."""
    body, name = path.read_bytes(), f"{place}/{path.name}"
    document = json.loads(body)
    row = Row(name, str(document.get("version", "-")), count_vehicles(document))
    if path.stem not in DISCOVERY:
        return server.serve(f"/{name}", once(body)), row
    beside = next((path.parent / each for each in STATUS if (path.parent / each).exists()), None)
    if beside is not None:
        status = gzip.decompress(beside.read_bytes()) if beside.suffix == ".gz" else None
        status = status or beside.read_bytes()
        row.received = count_vehicles(json.loads(status))
        named = beside.name.split(".")[0].split("_2023")[0]
        server.serve(f"/{name}/{named}.json", once(status))
    body = json.dumps(on_this_server(document, f"{server.url}/{name}")).encode()
    return server.serve(f"/{name}", once(body)), row


def collected(region: Region, layout: Layout, rows: list[Row]) -> None:
    """Collect and seal a region that has one feed for each row; fills in the rows."""
    collect(region, layout)
    sealed = layout.sightings(region.id, DAY)
    try:
        seal_day(region, DAY, layout)
    except NothingCollectedError:
        assert not any(row.received for row in rows)
        assert not sealed.exists()
    for feed, row in zip(region.feeds, rows, strict=True):
        for poll in read_day(layout.journal(region.id, feed.id), DAY).polls:
            row.outcomes[poll.outcome] += 1
            row.kept += poll.vehicles
            row.quarantined.update(poll.quarantined)
        if sealed.exists():
            assert pq.read_table(sealed / f"{feed.id}.parquet").num_rows == row.kept


def test_every_file_is_collected_or_set_aside_with_a_reason(
    shared_data: Path, feed_server: FeedServer, tmp_path: Path, show: Show
) -> None:
    root = shared_data / "gbfs"
    files = [path for path in sorted(root.rglob("*.json")) if path.parent.name != "captures"]
    assert len(files) > 70
    named: dict[str, Row] = {}
    for folder in sorted({path.parent for path in files}):
        place = folder.relative_to(root).as_posix()
        feeds, rows = {}, []
        for path in (path for path in files if path.parent == folder):
            feeds[_id(path.stem)], row = serve(feed_server, path, place)
            rows.append(row)
        collected(region_of(feeds, _box(place)), Layout(tmp_path / _id(place)), rows)
        named |= {row.name: row for row in rows}
    show(HEAD, named.values())
    for row in named.values():
        assert row.received == row.kept + row.quarantined.total(), row
        # A file that lists vehicles, or leads to one that does, is a poll; any other is no feed.
        assert row.outcomes["ok"] == (row.received > 0), row
        if not row.received and not row.name.endswith(NAMES_OTHER_HOSTS):
            assert set(row.outcomes) == {"wrong_shape", "ended"}, row
    assert {name: row.received for name, row in named.items() if row.received} == RECEIVED
    assert sum(row.kept for row in named.values()) == sum(
        RECEIVED.values()
    )  # nothing wrong with any


def test_defects_seen_in_the_wild_are_set_aside_one_by_one(
    shared_data: Path, feed_server: FeedServer, layout: Layout, show: Show
) -> None:
    """Single records that people quoted, in a list with a good one as they were found in."""
    good = {"bike_id": "good", "lat": 38.886, "lon": -77.092}
    names = ("bird_arlington_swapped_latlon", "velopop_avignon_null_coords_station")
    feeds, rows = {}, []
    for name in names:
        record = json.loads((shared_data / "gbfs/defect_snippets" / f"{name}.json").read_bytes())
        body = json.dumps({"data": {"bikes": [record, good]}}).encode()
        feeds[_id(name)] = feed_server.serve(f"/{name}", once(body))
        rows.append(Row(f"{name}, in a list", "-", 2))
    region = region_of(feeds, _box("defect_snippets"))
    collected(region, layout, rows)
    show(HEAD, rows)
    swapped, station = rows
    assert swapped.received == swapped.kept + swapped.quarantined.total()
    assert (station.kept, station.quarantined) == (1, {"missing_id": 1})


def test_every_capture_of_wolfsburg(shared_data: Path, tmp_path: Path, show: Show) -> None:
    """77 captures of six days, each day a replay: as many rows as the bodies hold vehicles."""
    folder = shared_data / "gbfs" / "tier_wolfsburg"
    counts: dict[str, Counter[str]] = {}
    rows = []
    for path in sorted((folder / "captures").iterdir()):
        document = json.loads(gzip.decompress(path.read_bytes()))
        day = dt.datetime.fromtimestamp(document["last_updated"], dt.UTC).date().isoformat()
        tally = counts.setdefault(day, Counter())
        tally["polls"] += 1
        tally["vehicles"] += count_vehicles(document)
    assert sum(tally["polls"] for tally in counts.values()) == 77
    for day, tally in counts.items():
        date = dt.date.fromisoformat(day)
        row = Row(f"tier_wolfsburg/captures of {day}", "2.3", tally["vehicles"])
        with ReplayServer(captured(folder, date, poll_seconds=300)) as server:
            url = f"{server.url}/2.3/gbfs.json"
            region = region_of({"tier": url}, _box("tier_wolfsburg"), time_zone="UTC")
            facts = collect_whole_day(region, Layout(tmp_path / day), date)["feeds"]["tier"]
        row.kept, row.outcomes = facts["rows"], Counter(facts["outcomes"])
        row.quarantined = Counter(facts["quarantined"])
        rows.append(row)
        assert row.received == row.kept + row.quarantined.total(), row
        assert row.outcomes == {"ok": tally["polls"], "ended": 1}, row
    show(HEAD, rows)


def _box(place: str) -> dict[str, Any]:
    south, west, north, east = BOXES.get(place, NOWHERE)
    return {"name": "area", "south": south, "west": west, "north": north, "east": east}


def _id(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())
