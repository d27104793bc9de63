import datetime as dt
import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from tasks.assess import assess
from tasks.files import FileError, Layout, read_manifest, sha256_of, verify_files, write_manifest
from tasks.mobility.distance import haversine
from tasks.quality.errors import QualityError
from tasks.schema import RELEASE
from tests.tasks.derived_day import DAY, region_with, write_trips

ROWS = 240


@pytest.fixture
def layout(data_root: Path, tasks_alone: None) -> Layout:
    """A derived day of 240 trips."""
    layout = Layout.from_environment()
    write_trips(layout, ROWS, moves=30)
    return layout


def write_release(layout: Layout, rows: int = ROWS, revision: int = 1) -> Path:
    """Publish synthetic trips around the place of the real ones."""
    generator = np.random.default_rng(5)
    ends = [generator.normal(middle, 0.01, rows) for middle in (52.4, 10.75, 52.4, 10.75)]
    table = pa.table(
        [["town"] * rows, generator.integers(0, 24, rows), *ends, haversine(*ends)],
        names=list(RELEASE.names),
    ).cast(RELEASE.arrow())
    release = layout.releases("demo", DAY) / f"r{revision}"
    release.mkdir(parents=True)
    pq.write_table(table, release / "trips.parquet")
    write_manifest(release, {"rows": rows}, ["trips.parquet"])
    return release


def test_the_report_of_a_release_lies_on_private_ground(
    layout: Layout, prefect_api: str, caplog: pytest.LogCaptureFixture
) -> None:
    region, release = region_with(), write_release(layout)
    with caplog.at_level(logging.INFO):
        made = assess(region, DAY)
    directory = layout.root / "private" / "demo" / "quality" / DAY.isoformat()
    assert made["page"] == str(directory / "index.html")
    manifest = read_manifest(directory)
    assert manifest is not None
    verify_files(directory, manifest)
    assert set(manifest["files"]) == {"index.html", "report.json"}
    assert manifest["publishable"] is False
    assert manifest["release_sha256"] == sha256_of(release / "manifest.json")
    report = json.loads((directory / "report.json").read_bytes())
    assert (report["publishable"], report["training_rows"], report["rows"]) == (False, 120, 120)
    score = report["score"]["synthetic"]
    assert made["score"].startswith(f"score {score['overall']:.1f} of 100 ({score['grade']})")
    assert "Internal. Not publishable." in (directory / "index.html").read_text()
    # nothing of it lies among the releases, in a log or in an artifact
    assert {path.name for path in release.iterdir()} == {"trips.parquet", "manifest.json"}
    shown = requests.get(f"{prefect_api}/artifacts/quality-demo-{DAY}/latest", timeout=30).json()
    assert shown["data"] == f"Internal, not publishable: `{made['page']}`"
    for told in (shown["data"], shown["description"], *caplog.messages):
        assert f"{score['overall']:.1f}" not in told


def test_by_default_the_newest_day_is_assessed_and_the_same_again(layout: Layout) -> None:
    write_release(layout)
    older = layout.releases("demo", DAY - dt.timedelta(days=3)) / "r1"
    shutil.copytree(layout.releases("demo", DAY) / "r1", older)
    first = assess(region_with(), None)
    assert first["day"] == DAY.isoformat()
    files = {path: path.read_bytes() for path in Path(first["page"]).parent.glob("*")}
    assert assess(region_with(), None) == first
    assert {path: path.read_bytes() for path in files} == files


def test_the_newest_revision_is_compared(layout: Layout) -> None:
    write_release(layout)
    release = write_release(layout, rows=60, revision=2)
    made = assess(region_with(), DAY)
    manifest = read_manifest(Path(made["page"]).parent)
    assert manifest is not None
    assert manifest["release_sha256"] == sha256_of(release / "manifest.json")
    report = json.loads((Path(made["page"]).parent / "report.json").read_bytes())
    assert report["rows"] == 60


def test_a_day_whose_trips_are_gone_is_said_in_one_line(layout: Layout) -> None:
    write_release(layout)
    shutil.rmtree(layout.trips("demo", DAY))
    with pytest.raises(QualityError) as caught:
        assess(region_with(retention_days=3), DAY)
    assert str(caught.value) == (
        f"region demo: the trips of {DAY} are no longer kept (retention_days is 3); "
        "assess a day before they are deleted"
    )
    assert not layout.quality("demo", DAY).exists()


def test_what_cannot_be_assessed_is_refused(layout: Layout) -> None:
    with pytest.raises(QualityError, match="no day is published; release a day first"):
        assess(region_with(), None)
    with pytest.raises(QualityError, match=f"{DAY} is not published; release the day first"):
        assess(region_with(), DAY)
    feeds = [{"id": "one", "url": "https://one.example/gbfs.json", "id_regime": "per_trip"}]
    with pytest.raises(QualityError, match="region demo publishes no trips"):
        assess(region_with(feeds=feeds, synthesizer={"name": "trip_field"}), DAY)


@pytest.mark.parametrize("altered", ["release", "trips"])
def test_altered_files_are_refused(layout: Layout, altered: str) -> None:
    release = write_release(layout)
    folder = release if altered == "release" else layout.trips("demo", DAY)
    (folder / "trips.parquet").write_bytes(b"other")
    with pytest.raises(FileError, match="differs"):
        assess(region_with(), DAY)


def test_too_few_trips_are_refused(data_root: Path, tasks_alone: None) -> None:
    layout = Layout.from_environment()
    write_trips(layout, 4, moves=1)
    write_release(layout, rows=4)
    with pytest.raises(QualityError, match="a classifier needs 3 rows of each table"):
        assess(region_with(), DAY)
