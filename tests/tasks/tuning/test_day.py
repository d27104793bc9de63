import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.files import FileError, Layout, write_manifest
from tasks.region import Region
from tasks.release.bundle import publish_first
from tasks.search import Released, SearchError, Simulated
from tasks.tuning.day import TripDay, identity_of, read_day, refuse_private
from tests.tasks.release.conftest import (
    MakeRows,
    make_manifest,
    make_region,
    make_rows,
    model,
    region,
    sealed,
)

__all__ = ["make_manifest", "make_region", "make_rows", "model", "region", "sealed"]


@pytest.fixture
def rows(region: Region, make_rows: MakeRows) -> pa.Table:
    return make_rows(region, 500)


@pytest.fixture
def release(region: Region, rows: pa.Table, make_manifest: object, layout: Layout) -> Path:
    """A published revision."""
    assert callable(make_manifest)
    directory = layout.root / "releases" / "town" / "2026-05-20"
    tables = {"trips": rows}
    return publish_first(directory, tables, lambda files: make_manifest(region, files=files))


def test_a_simulated_day_follows_from_its_seed(layout: Layout) -> None:
    data = Simulated(cities=("transit",), trips=300)
    day = read_day(data, "transit", 1, layout)
    again, other = (read_day(data, "transit", seed, layout) for seed in (1, 2))
    assert isinstance(day, TripDay)
    assert isinstance(again, TripDay)
    assert isinstance(other, TripDay)
    assert day.rows == 300
    assert day.trips.equals(again.trips)
    assert not day.trips.equals(other.trips)
    assert day.valid_share(day.trips) > 0.9
    assert day.figures(day.trips)["pairs_1km"] == 0
    refuse_private(data, layout)
    assert identity_of(data, "transit") == {"city": "transit", "trips": 300}


def test_a_published_day_is_read_with_its_area(
    release: Path, rows: pa.Table, region: Region, layout: Layout
) -> None:
    data = Released(releases=(str(release),))
    refuse_private(data, layout)
    day = read_day(data, str(release), 1, layout)
    assert isinstance(day, TripDay)
    assert day.areas == region.service_area
    assert sorted(day.trips.to_pylist(), key=str) == sorted(rows.to_pylist(), key=str)
    assert len(str(identity_of(data, str(release))["release_sha256"])) == 64


def refused(release: Path, layout: Layout) -> str:
    with pytest.raises(SearchError) as caught:
        refuse_private(Released(releases=(str(release),)), layout)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_private_folder_is_refused_whatever_lies_there(
    release: Path, layout: Layout, tmp_path: Path
) -> None:
    inside = layout.private / "town" / "trips" / "2026-05-20"
    shutil.copytree(release, inside)
    assert "lies in the private folder; settings are never searched on priv" in refused(
        inside, layout
    )
    link = tmp_path / "looks-public"
    link.symlink_to(inside)
    assert "lies in the private folder" in refused(link, layout)


def test_private_trips_are_refused_wherever_they_lie(
    rows: pa.Table, layout: Layout, tmp_path: Path
) -> None:
    """A copy of a private day has a manifest, but none of a release."""
    pq.write_table(rows, tmp_path / "trips.parquet")
    fields = {"region": "town", "service_day": "2026-05-20", "rows": 500}
    write_manifest(tmp_path, fields, ["trips.parquet"])
    assert "its manifest is not that of a release" in refused(tmp_path, layout)
    assert "no release there" in refused(tmp_path / "absent", layout)


def test_an_altered_release_is_refused(release: Path, layout: Layout) -> None:
    manifest = json.loads((release / "manifest.json").read_bytes())
    manifest["files"]["trips.parquet"]["sha256"] = "0" * 64
    (release / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(FileError, match="differs"):
        refuse_private(Released(releases=(str(release),)), layout)
