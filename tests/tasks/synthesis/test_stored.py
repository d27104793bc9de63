from pathlib import Path

import numpy as np
import pytest

from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.stored import Stored

THING = Stored("thing", "a thing", "make it again")


def test_both_files_come_back(tmp_path: Path) -> None:
    files = THING.save(tmp_path, {"b": np.arange(3), "a": np.ones((2, 2))}, {"day": 1})
    assert files == ["thing.npz", "thing.json"] == sorted(p.name for p in tmp_path.iterdir())[::-1]
    with THING.reading(tmp_path) as (document, arrays):
        assert document == {"day": 1}
        assert list(arrays) == ["b", "a"]
        assert arrays["b"].tolist() == [0, 1, 2]


def read(directory: Path, key: str | None = None) -> None:
    with THING.reading(directory) as (document, _):
        if key is not None:
            document[key]


@pytest.mark.parametrize("name", THING.files)
@pytest.mark.parametrize("content", [b"", b"[", b"nonsense", None])
def test_what_cannot_be_read_gets_one_line(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    THING.save(tmp_path, {"a": np.ones(2)}, {})
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(
        ModelFileError, match=r"not a thing of this version .*; make it again"
    ) as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)


def test_content_that_does_not_fit_is_said_likewise(tmp_path: Path) -> None:
    THING.save(tmp_path, {"a": np.ones(2)}, {})
    read(tmp_path)
    with pytest.raises(ModelFileError, match="make it again"):
        read(tmp_path, "missing")
