import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from prefect.logging import disable_run_logger

from tasks.files import FileError, Layout, read_manifest, sha256_of
from tasks.generate import generate
from tasks.region import Region, TripNet
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
