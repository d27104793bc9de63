import json
from pathlib import Path

import pytest

from tasks.files import FileError
from tasks.region import Synthesizer, TripField, TripNet
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.model_file import MODEL, StoredModel, load_model, save_model


@pytest.mark.parametrize("settings", [TripField(steps=7), TripNet(hidden_units=8)])
def test_a_model_comes_back_as_it_was(tmp_path: Path, settings: Synthesizer) -> None:
    (tmp_path / "weights").write_bytes(b"1234")
    stored = StoredModel(settings, 77, {"epsilon": 1.0})
    manifest = save_model(tmp_path, stored, ["weights"], {"region": "demo"})
    assert load_model(tmp_path) == stored
    assert set(manifest["files"]) == {"weights", MODEL}
    assert (manifest["region"], manifest["rows"]) == ("demo", 77)
    assert json.loads((tmp_path / MODEL).read_text())["synthesizer"]["name"] == settings.name


def test_an_altered_or_unfinished_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="train the day first"):
        load_model(tmp_path)
    save_model(tmp_path, StoredModel(TripField(), 77, {}), [], {})
    (tmp_path / MODEL).write_text("{}")
    with pytest.raises(FileError, match="differs"):
        load_model(tmp_path)
