"""From a derived day to a published one whose ends lie on roads and at docks."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from tasks.check import check_release
from tasks.files import FileError, Layout, sha256_of
from tasks.generate import generate
from tasks.ledger import account_of
from tasks.publish import publish
from tasks.region import Region
from tasks.region.ways import WAYS, load_ways
from tasks.train import train
from tests.tasks.derived_day import DAY, region_with, write_sealed, write_trips
from tests.tasks.derived_ends import ENDINGS, STARTS, ends_of_day, region_of_ends, write_ends

TRIPS = 717
WITHIN_M = 300
FIELD = {"name": "trip_field", "steps": 10}


@pytest.fixture
def layout(data_root: Path, tasks_alone: None) -> Layout:
    layout = Layout(data_root)
    write_sealed(layout)
    return layout


def write_roads(path: Path, step: float) -> dict[str, Any]:
    """Roads across the town and some docks between them; returns the setting that names them."""
    roads = [[[10.3, 52.3 + y], [11.0, 52.3 + y]] for y in np.arange(step, 0.2, step)]
    docks = [[10.7 + x, 52.4003] for x in np.arange(0, 0.1, 0.01)]
    geometries = [
        {"type": "MultiLineString", "coordinates": roads},
        {"type": "MultiPoint", "coordinates": docks},
    ]
    path.write_text(json.dumps({"type": "GeometryCollection", "geometries": geometries}))
    return {"file": str(path), "within_m": WITHIN_M, "credit": "The *city*, CC0"}


def finish(region: Region) -> Path:
    generate(region, DAY)
    check_release(region, DAY)
    return Path(publish(region, DAY)["page"]).parent


def manifest_of(directory: Path) -> dict[str, Any]:
    return dict(json.loads((directory / "manifest.json").read_bytes()))


def on_ways(directory: Path, table: pa.Table, end: str) -> int:
    """How many ends lie on the published ways, to the rounding of positions."""
    segments = load_ways(directory / WAYS).of_area["town"].segments
    places = shapely.points(table[f"{end}longitude"], table[f"{end}latitude"])
    apart = shapely.distance(places[:, None], shapely.linestrings(segments)[None]).min(axis=1)
    return int((apart < 1e-6).sum())


@pytest.mark.slow
def test_trips_lie_on_roads_and_another_file_of_roads_is_not_charged(
    layout: Layout, tmp_path: Path
) -> None:
    write_trips(layout, TRIPS, trips_per_vehicle=3)
    train(region_with(synthesizer=FIELD, snap=None), DAY)
    charged = account_of(region_with())

    sparse = region_with(synthesizer=FIELD, snap=write_roads(tmp_path / "roads.geojson", 0.05))
    train(sparse, DAY)
    few = generate(sparse, DAY)["ends"]["moved"]
    dense = region_with(synthesizer=FIELD, snap=write_roads(tmp_path / "roads.geojson", 0.004))
    train(dense, DAY)
    release = finish(dense)
    assert account_of(dense) == charged

    manifest = manifest_of(release)
    trips = pq.read_table(release / "trips.parquet")
    assert len(trips) == manifest["rows"] == TRIPS
    assert (trips["distance_m"].to_numpy() > 100).all()
    moved = manifest["snapping"]["moved"]
    assert manifest["snapping"] == {
        "file": "roads.geojson",
        "sha256": sha256_of(tmp_path / "roads.geojson"),
        "within_m": WITHIN_M,
        "credit": "The *city*, CC0",
        "ends": 2 * TRIPS,
        "moved": moved,
    }
    assert sum(on_ways(release, trips, end) for end in ("origin_", "destination_")) >= moved
    assert moved > TRIPS > few
    assert manifest["checks"]["warnings"] == []
    assert manifest["files"][WAYS]["sha256"] == sha256_of(release / WAYS)
    card = (release / "README.md").read_text("utf-8")
    page = (release / "index.html").read_text("utf-8")
    for text in (card, page):
        assert f"{moved:,} of {2 * TRIPS:,} ends" in text
    assert r"The \*city\*, CC0" in card
    assert page.count("Roads and docks: <bdi>The *city*, CC0</bdi>.") == 1  # below the map
    (packed,) = json.loads(page.split('id="map-facts">')[1].split("</script>")[0])["ways"]
    assert packed is not None
    assert str(tmp_path) not in card + page + json.dumps(manifest)

    command = [sys.executable, "-I", "sampler.pyz", "400", "--out", str(tmp_path / "more.parquet")]
    subprocess.run(command, cwd=release, check=True, capture_output=True)
    more = pq.read_table(tmp_path / "more.parquet")
    assert on_ways(release, more, "origin_") > 200


def test_starts_and_ends_and_modelled_trips_lie_on_roads(layout: Layout, tmp_path: Path) -> None:
    write_ends(layout, ends_of_day())
    region = region_of_ends(snap=write_roads(tmp_path / "roads.geojson", 0.004))
    train(region, DAY)
    generate(region, DAY)
    check_release(region, DAY)
    kept = (layout.synthetic("demo", DAY) / WAYS).read_bytes()
    (layout.synthetic("demo", DAY) / WAYS).write_bytes(b"altered after the check")
    with pytest.raises(FileError, match="differs"):
        publish(region, DAY)
    (layout.synthetic("demo", DAY) / WAYS).write_bytes(kept)
    release = Path(publish(region, DAY)["page"]).parent
    manifest = manifest_of(release)
    tables = {name: pq.read_table(release / f"{name}.parquet") for name in manifest["tables"]}
    assert (len(tables["starts"]), len(tables["ends"])) == (STARTS, ENDINGS)
    modelled = tables["modelled_trips"]
    assert (modelled["distance_m"].to_numpy() > 100).all()
    lying = [
        on_ways(release, tables[name], "") / len(tables[name]) for name in ("starts", "ends")
    ] + [on_ways(release, modelled, end) / len(modelled) for end in ("origin_", "destination_")]
    assert min(lying) > 0.9
    assert manifest["snapping"]["ends"] == STARTS + ENDINGS + 2 * len(modelled)
    assert manifest["snapping"]["moved"] > 0.9 * manifest["snapping"]["ends"]
    assert manifest["checks"]["warnings"] == []
    assert "roads.geojson" in (release / "README.md").read_text("utf-8")
