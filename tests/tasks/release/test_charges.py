import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tasks.files import FileError
from tasks.privacy.published import PublishedCharge
from tasks.region import Region
from tasks.release.bundle import publish_first
from tasks.release.charges import published_charges

KEY = "0123456789abcdef" * 2


@pytest.fixture
def release(
    region: Region,
    make_rows: Callable[[Region, int], pa.Table],
    make_manifest: Callable[..., Any],
    tmp_path: Path,
) -> Path:
    rows = make_rows(region, 500)
    return publish_first(
        tmp_path / "town" / "2026-05-20",
        {"trips": rows},
        lambda files: make_manifest(region, files=files),
    )


def rewrite(release: Path, **changes: Any) -> None:
    path = release / "manifest.json"
    document = json.loads(path.read_bytes()) | changes
    path.write_text(json.dumps({name: value for name, value in document.items() if value}))


def test_a_release_names_its_charge(release: Path, tmp_path: Path) -> None:
    said = PublishedCharge("release town 2026-05-20 r1", "town", "2026-05-20", 300, KEY)
    assert published_charges(tmp_path, "town", []) == [said]
    assert published_charges(tmp_path, "renamed", ["x", "town-fleet"]) == [said]
    assert published_charges(tmp_path, "elsewhere", ["x"]) == []
    assert published_charges(tmp_path / "none", "town", []) == []


def test_a_release_from_before_charges_had_keys_counts(release: Path, tmp_path: Path) -> None:
    rewrite(release, charge=None)
    (found,) = published_charges(tmp_path, "town", [])
    assert found.charge_key is None
    assert published_charges(tmp_path, "renamed", ["town-fleet"]) == []


def test_what_is_staged_does_not_count(release: Path, tmp_path: Path) -> None:
    release.parent.rename(tmp_path / "town" / ".2026-05-20.staged-77")
    (tmp_path / "town" / ".2026-05-20.staged-77" / "r1").rename(tmp_path / "town" / ".staged")
    (tmp_path / "town" / ".2026-05-20.staged-77").rmdir()
    (tmp_path / "town" / "2026-05-21" / "r1").mkdir(parents=True)
    assert published_charges(tmp_path, "town", []) == []


@pytest.mark.parametrize("broken", [{"region": "town"}, {"charge": [1]}, {"mechanism": None}])
def test_a_manifest_that_is_none_gets_one_line(
    broken: dict[str, Any], release: Path, tmp_path: Path
) -> None:
    rewrite(release, **broken)
    with pytest.raises(FileError, match="r1: its manifest is no release's") as caught:
        published_charges(tmp_path, "town", [])
    assert "\n" not in str(caught.value)
