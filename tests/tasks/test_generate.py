import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from prefect.logging import disable_run_logger

from tasks.files import FileError, Layout, read_manifest, sha256_of
from tasks.generate import generate
from tasks.region import Region, RegionError, Snap, TripNet
from tasks.region.ways import WAYS
from tasks.schema import RELEASE
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.grid import Grid
from tasks.synthesis.model_file import StoredModel, save_model
from tasks.synthesis.network_file import TrainedNetwork, save_network
from tasks.synthesis.trip_net import TripNetwork
from tests.tasks.conftest import town

DAY = dt.date(2026, 5, 20)
ROWS = 321


@pytest.fixture
def region() -> Region:
    return town("demo")


@pytest.fixture(autouse=True)
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Layout]:
    monkeypatch.setenv("OPENTRIPS_DATA", str(tmp_path))
    with disable_run_logger():
        yield Layout(tmp_path)


def store_model(layout: Layout, region: Region, rows: int = ROWS) -> None:
    settings = TripNet()
    network = TripNetwork(Grid(region.service_area, settings.levels), settings)
    directory = layout.model(region.id, DAY)
    directory.mkdir(parents=True, exist_ok=True)
    files = save_network(directory, TrainedNetwork(network, network.start()))
    save_model(directory, StoredModel(settings, rows, {}), files, {})


def run(region: Region) -> dict[str, Any]:
    manifest = generate.fn(region, DAY)
    assert isinstance(manifest, dict)
    return manifest


def test_exactly_n_rows_of_the_release(layout: Layout, region: Region) -> None:
    store_model(layout, region)
    manifest = run(region)
    table = pq.read_table(layout.synthetic("demo", DAY) / "trips.parquet")
    assert table.schema.equals(RELEASE.arrow())
    assert manifest["rows"] == {"trips": ROWS}
    assert len(table) == ROWS
    assert manifest["model_manifest"] == sha256_of(layout.model("demo", DAY) / "manifest.json")
    assert run(region) == manifest


def test_sampling_again_is_free_and_different(layout: Layout, region: Region) -> None:
    store_model(layout, region)
    first = run(region)
    (layout.synthetic("demo", DAY) / "manifest.json").unlink()
    second = run(region)
    assert second["files"] != first["files"]
    assert second["model_manifest"] == first["model_manifest"]
    assert not layout.ledger.exists()


def test_rows_of_another_model_are_replaced(layout: Layout, region: Region) -> None:
    store_model(layout, region)
    run(region)
    store_model(layout, region, rows=5)
    assert run(region)["rows"] == {"trips": 5}


def with_roads(folder: Path, region: Region, *longitudes: float, within_m: float = 100) -> Region:
    """The region with roads from south to north."""
    lines = [[[x, 52.3], [x, 52.5]] for x in longitudes]
    path = folder / "roads.geojson"
    path.write_text(json.dumps({"type": "MultiLineString", "coordinates": lines}))
    snap = Snap(file=str(path), within_m=within_m)
    return region.model_copy(update={"snap": snap})


def origins(layout: Layout) -> set[float]:
    table = pq.read_table(layout.synthetic("demo", DAY) / "trips.parquet")
    assert len(table) == ROWS
    return set(table["origin_longitude"].to_pylist())


def test_ends_are_moved_to_roads_and_another_file_makes_other_rows_for_nothing(
    layout: Layout, region: Region
) -> None:
    store_model(layout, region)
    plain = run(region)
    assert (plain["ways"], plain["ends"]) == (None, None)
    first = with_roads(layout.root, region, 10.5, 10.6, 10.7, within_m=1000)
    made = run(first)
    path = layout.root / "roads.geojson"
    assert made["ways"] == {"file": path.name, "sha256": sha256_of(path), "within_m": 1000}
    assert made["ends"]["all"] == 2 * ROWS
    assert 50 < made["ends"]["moved"] < ROWS
    assert {10.5, 10.6, 10.7} < origins(layout)
    assert WAYS in made["files"]
    assert run(first) == made

    second = with_roads(layout.root, region, 10.55, within_m=1000)
    assert run(second)["ways"]["sha256"] == sha256_of(path) != made["ways"]["sha256"]
    assert 10.55 in origins(layout)
    assert not {10.5, 10.6, 10.7} & origins(layout)
    third = with_roads(layout.root, region, 10.55, within_m=900)
    assert run(third)["ways"]["within_m"] == 900
    again = run(region)
    assert again["ways"] is None
    assert WAYS not in again["files"]
    assert 10.55 not in origins(layout)
    assert not layout.ledger.exists()


def test_roads_that_are_gone_are_named(layout: Layout, region: Region) -> None:
    store_model(layout, region)
    gone = with_roads(layout.root, region, 10.5)
    (layout.root / "roads.geojson").unlink()
    with pytest.raises(RegionError, match=r"roads\.geojson: cannot read the file of roads"):
        run(gone)
    assert read_manifest(layout.synthetic("demo", DAY)) is None


def test_a_missing_model_gets_one_line(layout: Layout, region: Region) -> None:
    with pytest.raises(ModelFileError, match="train the day first") as caught:
        run(region)
    assert "\n" not in str(caught.value)
    assert read_manifest(layout.synthetic("demo", DAY)) is None


def test_an_altered_model_is_refused(layout: Layout, region: Region) -> None:
    store_model(layout, region)
    (layout.model("demo", DAY) / "model.json").write_text("{}")
    with pytest.raises(FileError, match="differs"):
        run(region)
