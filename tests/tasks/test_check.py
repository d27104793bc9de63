import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from prefect.logging import disable_run_logger

from expectations.errors import CheckError
from tasks.check import (
    check_capture,
    check_ends,
    check_release,
    check_sightings,
    check_trips,
)
from tasks.files import FileError, Layout, read_manifest, sha256_of, verify_files, write_manifest
from tasks.mobility.distance import haversine
from tasks.region import Guarantee, Region
from tasks.release.checks import CHECKS, CHECKS_PAGE, Checks
from tasks.schema import ENDS, RELEASE, SIGHTINGS, TRIPS
from tasks.schema.trips import FLAGS
from tests.tasks.conftest import town

DAY = dt.date(2026, 5, 20)
START_MS = 1_779_249_600_000
PRIVATE_ID = "vehicle-4711"


@pytest.fixture
def region() -> Region:
    return town("check_town")


@pytest.fixture
def layout(data_root: Any, prefect_api: str) -> Iterator[Layout]:
    with disable_run_logger():
        yield Layout.from_environment()


def seal(layout: Layout, region: Region, latitudes: list[int], **facts: Any) -> None:
    directory = layout.sightings(region.id, DAY)
    directory.mkdir(parents=True)
    n = len(latitudes)
    columns = {
        "vehicle_id": [PRIVATE_ID] * n,
        "fetched_at": pa.array(START_MS + np.arange(n), pa.timestamp("ms", "UTC")),
        "latitude_e6": latitudes,
        "longitude_e6": [10_500_000] * n,
    }
    nulls = {name: [None] * n for name in SIGHTINGS.names if name not in columns}
    table = pa.table({**columns, **nulls}, schema=SIGHTINGS.arrow())
    pq.write_table(table, directory / "one.parquet")
    (directory / "one.polls.parquet").write_bytes(b"polls")
    feed = {"rows": n, "coverage": 1.0, "longest_gap_seconds": 0.0, **facts}
    fields = {"kind": "sightings", "feeds": {"one": feed}}
    write_manifest(directory, fields, ["one.parquet", "one.polls.parquet"])


def derive(layout: Layout, region: Region, distances: list[float]) -> None:
    directory = layout.trips(region.id, DAY)
    directory.mkdir(parents=True)
    n = len(distances)
    columns: dict[str, Any] = {
        "feed": ["one"] * n,
        "vehicle_id": [PRIVATE_ID] * n,
        "vehicle_type": [None, "scooter_standing"] * (n // 2) + [None] * (n % 2),
        "start_time": pa.array([START_MS] * n, pa.timestamp("ms", "UTC")),
        "end_time": pa.array([START_MS] * n, pa.timestamp("ms", "UTC")),
        "hour": [7] * n,
        **{f"{end}_latitude": [52.4] * n for end in ("origin", "destination")},
        **{f"{end}_longitude": [10.5] * n for end in ("origin", "destination")},
        "distance_m": distances,
        "duration_s": [60.0] * n,
        "area": ["town"] * n,
        **{flag.name: [False] * n for flag in FLAGS},
        "is_trip": [True] * n,
    }
    pq.write_table(pa.table(columns, schema=TRIPS.arrow()), directory / "trips.parquet")
    write_manifest(directory, {"trips": n, "moves": n, "rules": {}}, ["trips.parquet"])


def generate(layout: Layout, region: Region, n: int, hour: int = 7) -> None:
    directory = layout.synthetic(region.id, DAY)
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    ends = [
        np.round(rng.uniform(low, high, n), 6)
        for low, high in ((52.31, 52.39), (10.41, 10.59), (52.41, 52.49), (10.41, 10.59))
    ]
    hours = rng.integers(0, 24, n)
    hours[n // 2] = hour
    columns = [["town"] * n, pa.array(hours, pa.int8()), *ends, haversine(*ends)]
    pq.write_table(pa.table(columns, schema=RELEASE.arrow()), directory / "trips.parquet")
    write_manifest(directory, {"rows": {"trips": n}}, ["trips.parquet"])


def artifact(api: str, what: str) -> dict[str, Any]:
    """The newest artifact of a check, as staff see it on the server."""
    key = f"check-{what}-check-town-{DAY}"
    found: dict[str, Any] = requests.get(f"{api}/artifacts/{key}/latest", timeout=30).json()
    return found


def test_broken_sightings_are_set_aside_and_the_day_goes_on(
    layout: Layout, region: Region, prefect_api: str
) -> None:
    seal(layout, region, [52_400_000, 91_000_001, 52_400_001])
    found = check_sightings(region, DAY)
    reason = "expect_column_values_to_be_between(latitude_e6)"
    assert found == {"one.parquet": {"rows": 3, "quarantined": 1, "reasons": {reason: 1}}}
    directory = layout.sightings(region.id, DAY)
    manifest = read_manifest(directory)
    assert manifest is not None
    verify_files(directory, manifest)
    assert set(manifest["files"]) == {
        "one.parquet",
        "one.polls.parquet",
        "one.quarantine.parquet",
    }
    assert manifest["feeds"]["one"]["rows"] == 2
    shown = artifact(prefect_api, "sightings")
    assert json.loads(shown["data"]) == [
        {"file": "one.parquet", "rows": 3, "set aside": 1, "for": reason}
    ]
    assert PRIVATE_ID not in json.dumps(shown)
    assert "91000001" not in json.dumps(shown)

    before = {path: path.stat().st_mtime_ns for path in directory.iterdir()}
    assert check_sightings(region, DAY) == found
    assert {path: path.stat().st_mtime_ns for path in directory.iterdir()} == before


def test_a_day_of_nothing_but_broken_rows_still_goes_on(layout: Layout, region: Region) -> None:
    seal(layout, region, [91_000_001] * 5)
    assert check_sightings(region, DAY)["one.parquet"]["quarantined"] == 5


def test_trips_are_counted_anew(layout: Layout, region: Region, prefect_api: str) -> None:
    derive(layout, region, [500.0, 100.0, 100.1, 30_000_000.0])
    found = check_trips(region, DAY)["trips.parquet"]
    assert (found["rows"], found["quarantined"]) == (4, 2)
    manifest = read_manifest(layout.trips(region.id, DAY))
    assert manifest is not None
    assert (manifest["trips"], manifest["moves"], manifest["rules"]) == (2, 2, {})
    verify_files(layout.trips(region.id, DAY), manifest)
    assert PRIVATE_ID not in json.dumps(artifact(prefect_api, "trips"))
    assert check_trips(region, DAY)["trips.parquet"] == found


def test_ends_are_counted_anew(layout: Layout, prefect_api: str) -> None:
    region = town(
        "check_town",
        feeds=[{"id": "one", "url": "https://one.example/gbfs.json", "id_regime": "per_trip"}],
    )
    directory = layout.ends(region.id, DAY)
    directory.mkdir(parents=True)
    kinds = ["start", "end", "end", "middle"]
    columns = {
        "feed": ["one", "one", "other", "one"],
        "kind": kinds,
        "time": pa.array([START_MS] * 4, pa.timestamp("ms", "UTC")),
        "hour": [6] * 4,
        "latitude": [52.4] * 4,
        "longitude": [10.5] * 4,
        "area": ["town", None, "town", "town"],
    }
    pq.write_table(pa.table(columns, schema=ENDS.arrow()), directory / "ends.parquet")
    write_manifest(directory, {"starts": 1, "ends": 2, "no_trips": "why"}, ["ends.parquet"])
    found = check_ends(region, DAY)["ends.parquet"]
    assert (found["rows"], found["quarantined"]) == (4, 2)
    manifest = read_manifest(directory)
    assert manifest is not None
    assert [manifest[name] for name in ("starts", "ends", "outside")] == [1, 0, 1]
    assert manifest["no_trips"] == "why"
    verify_files(directory, manifest)
    set_aside = pq.read_table(directory / "ends.quarantine.parquet")["kind"].to_pylist()
    assert set_aside == ["end", "middle"]
    assert "52.4" not in json.dumps(artifact(prefect_api, "ends"))
    assert check_ends(region, DAY)["ends.parquet"] == found


def test_rule_5_a_private_number_of_trips_is_not_on_the_server(
    layout: Layout, region: Region, prefect_api: str
) -> None:
    derive(layout, region, [500.0, 100.0, 100.1, 30_000_000.0])
    for adjacency, shown in (("zero_out", 4), ("add_remove", "private")):
        guarantee = Guarantee.model_validate({"adjacency": adjacency})
        check_trips(region.model_copy(update={"guarantee": guarantee}), DAY)
        rows = json.loads(artifact(prefect_api, "trips")["data"])
        assert {row["rows"] for row in rows} == {shown}
        assert sum(row["set aside"] for row in rows) == 2


def test_an_altered_private_file_is_refused(layout: Layout, region: Region) -> None:
    derive(layout, region, [500.0])
    path = layout.trips(region.id, DAY) / "trips.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(FileError, match="differs"):
        check_trips(region, DAY)


def test_a_covered_capture_passes_and_an_uncovered_one_stops_the_day(
    layout: Layout, region: Region, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(layout, region, [52_400_000], coverage=0.8, longest_gap_seconds=3600.0)
    report = check_capture(region, DAY)
    assert report["expectations"] == 3
    assert len(report["warnings"]) == 1
    monkeypatch.setenv("OPENTRIPS_DATA", str(tmp_path / "other"))
    seal(Layout.from_environment(), region, [52_400_000], coverage=0.79)
    with pytest.raises(CheckError) as caught:
        check_capture(region, DAY)
    assert str(caught.value) == (
        "check_town 2026-05-20 is not published, its capture fails: "
        "coverage is between 0.8 and 1; not so in 1 of 1 rows (one: 0.79)"
    )


def test_good_rows_get_their_proof(layout: Layout, region: Region) -> None:
    derive(layout, region, [500.0] * 60)
    generate(layout, region, 60)
    report = check_release(region, DAY)
    assert report["warnings"] == []
    directory = layout.synthetic(region.id, DAY)
    proof = json.loads((directory / "check.json").read_bytes())
    assert proof == {**report, "sha256": {"trips.parquet": sha256_of(directory / "trips.parquet")}}
    found = Checks.model_validate_json((directory / CHECKS).read_bytes())
    assert len(found.checks) == report["expectations"]
    assert (found.rows, found.compared_with) == ({"trips": 60}, ())
    assert all(check.is_met for check in found.checks)
    assert "All is as expected." in (directory / CHECKS_PAGE).read_text()


@pytest.mark.parametrize(
    ("rows", "hour", "line"),
    [
        (60, 24, r"hour is between 0 and 23; not so in 1 of 60 rows \(30: 24\)"),
        (59, 7, r"there are exactly 60 rows; found 59"),
    ],
)
def test_a_broken_release_is_stopped_and_named(
    rows: int, hour: int, line: str, layout: Layout, region: Region, prefect_api: str
) -> None:
    derive(layout, region, [500.0] * 60)
    generate(layout, region, 60)
    check_release(region, DAY)
    generate(layout, region, rows, hour)
    with pytest.raises(CheckError, match=line) as caught:
        check_release(region, DAY)
    assert "\n" not in str(caught.value)
    directory = layout.synthetic(region.id, DAY)
    assert str(caught.value).endswith(f"; all of it is told in {directory / CHECKS_PAGE}")
    assert "These rows are not published." in (directory / CHECKS_PAGE).read_text()
    assert not (directory / "check.json").exists()
    severities = [row["severity"] for row in json.loads(artifact(prefect_api, "release")["data"])]
    assert "critical" in severities


def publish_earlier(layout: Layout, region: Region, days: int, n: int, hour: int) -> None:
    """Publish rows of the days before, all of whose trips arrive around an hour."""
    synthetic = layout.synthetic(region.id, DAY)
    for age in range(1, days + 1):
        release = layout.releases(region.id, DAY - dt.timedelta(days=age)) / "r1"
        release.mkdir(parents=True)
        generate(layout, region, n)
        table = pq.read_table(synthetic / "trips.parquet")
        hours = pa.array((np.arange(n) + age) % 5 + hour, pa.int8())
        table = table.set_column(1, table.schema.field("hour"), hours)
        pq.write_table(table, release / "trips.parquet")
        write_manifest(release, {"tables": {"trips": n}}, ["trips.parquet"])


def test_a_day_unlike_earlier_releases_is_warned_of_and_says_which(
    layout: Layout, region: Region
) -> None:
    derive(layout, region, [500.0] * 200)
    publish_earlier(layout, region, days=3, n=200, hour=2)
    generate(layout, region, 200)
    (warning,) = check_release(region, DAY)["warnings"]
    assert "total variation distance of hours from earlier days" in warning
    found = Checks.model_validate_json((layout.synthetic(region.id, DAY) / CHECKS).read_bytes())
    assert found.compared_with == tuple(DAY - dt.timedelta(days=age) for age in (1, 2))
    assert (found.stops, found.warns) == (0, 1)


def test_each_check_says_which_step_is_missing(layout: Layout, region: Region) -> None:
    for check, step in (
        (check_capture, "seal"),
        (check_sightings, "seal"),
        (check_trips, "derive the trips"),
        (check_ends, "derive the ends"),
        (check_release, "generate"),
    ):
        with pytest.raises(FileError, match=f"{step}.* first"):
            check(region, DAY)
