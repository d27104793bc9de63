import json
from pathlib import Path

import numpy as np
import pytest

from tasks.files import FileError
from tasks.region import TripNet
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.grid import Grid
from tasks.synthesis.model_file import ARRAYS, MODEL, StoredModel, load_model, save_model
from tasks.synthesis.trip_net import TripNetwork


@pytest.fixture
def stored(grid: Grid) -> StoredModel:
    settings = TripNet(hidden_units=8)
    weights = TripNetwork(grid, settings).start()
    return StoredModel(settings, grid, 77, {"epsilon": 1.0}, weights)


def save(directory: Path, stored: StoredModel) -> dict[str, object]:
    network = TripNetwork(stored.grid, stored.settings)
    return save_model(directory, stored, network.shapes, {"region": "demo"})


def test_a_model_comes_back_as_it_was(tmp_path: Path, stored: StoredModel) -> None:
    manifest = save(tmp_path, stored)
    again = load_model(tmp_path)
    assert (again.settings, again.grid, again.rows) == (stored.settings, stored.grid, 77)
    assert again.privacy == {"epsilon": 1.0}
    assert (again.weights == stored.weights).all()
    assert again.weights.dtype == np.float32
    assert manifest["region"] == "demo"
    assert manifest["rows"] == 77


def test_the_files_are_plain_arrays_and_json(tmp_path: Path, stored: StoredModel) -> None:
    save(tmp_path, stored)
    with np.load(tmp_path / ARRAYS, allow_pickle=False) as arrays:
        assert arrays["hour/bias"].shape == (24,)
    assert json.loads((tmp_path / MODEL).read_text())["synthesizer"]["name"] == "trip_net"
    assert {path.name for path in tmp_path.iterdir()} == {ARRAYS, MODEL, "manifest.json"}


def test_an_altered_or_unfinished_model_is_refused(tmp_path: Path, stored: StoredModel) -> None:
    with pytest.raises(ModelFileError, match="train the day first"):
        load_model(tmp_path)
    save(tmp_path, stored)
    (tmp_path / MODEL).write_text("{}")
    with pytest.raises(FileError, match="differs"):
        load_model(tmp_path)
