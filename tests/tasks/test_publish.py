import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from prefect.logging import disable_run_logger

from tasks.files import FileError, Layout, sha256_of, write_manifest
from tasks.publish import publish
from tasks.region import Region
from tasks.release.checks import CHECKS, CHECKS_PAGE
from tasks.release.errors import ReleaseError
from tasks.schema import RELEASE
from tests.tasks.conftest import FULLY_ANSWERED, town

DAY = dt.date(2026, 5, 20)
N = 40


@pytest.fixture
def region() -> Region:
    return town("publish_town", synthesizer={"name": "trip_net"})


@pytest.fixture
def layout(data_root: Path, prefect_api: str, region: Region) -> Iterator[Layout]:
    """A day that is ready to be published."""
    layout = Layout.from_environment()
    sealed = {
        "start": "2026-05-19T22:00Z",
        "end": "2026-05-20T22:00Z",
        "feeds": {"one": FULLY_ANSWERED},
    }
    write(layout.sightings(region.id, DAY), sealed)
    statement = {
        "synthesizer": region.synthesizer.model_dump(mode="json"),
        "privacy": {
            **region.guarantee.model_dump(mode="json"),
            "mechanism": {
                "name": "dp_sgd",
                "sampling_probability": 0.1,
                "noise_multiplier": 7.0,
                "steps": 300,
                "reserve_steps": 30,
                "l2_norm_clip": 1.0,
            },
            "count": None,
            "history": None,
            "epsilon_pld": 0.99,
            "epsilon_rdp": 1.05,
            "accountant": "dp-accounting",
            "charge": {"key": "0123456789abcdef" * 2, "sources": ["fleet"]},
        },
    }
    model = layout.model(region.id, DAY)
    write(model, {}, **{"model.json": json.dumps(statement).encode()})
    columns = [
        ["town"] * N,
        pa.array(np.arange(N) % 24, pa.int8()),
        *([value] * N for value in (52.4, 10.5, 52.41, 10.5, 1112.0)),
    ]
    content = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=RELEASE.arrow()), content)
    rows = {"trips.parquet": content.getvalue().to_pybytes()}
    synthetic = layout.synthetic(region.id, DAY)
    made_by = sha256_of(model / "manifest.json")
    write(synthetic, {"model_manifest": made_by, "rows": {"trips": N}}, **rows)
    hashes = {name: sha256_of(synthetic / name) for name in rows}
    checked = {"expectations": 43, "warnings": [], "sha256": hashes}
    (synthetic / "check.json").write_text(json.dumps(checked))
    with disable_run_logger():
        yield layout


def write(directory: Path, fields: dict[str, Any], **files: bytes) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    write_manifest(directory, fields, files)


def test_a_ready_day_is_published_once(layout: Layout, region: Region, prefect_api: str) -> None:
    done = publish(region, DAY)
    page = layout.releases(region.id, DAY) / "r1" / "index.html"
    assert done["page"] == str(page)
    assert done["manifest"] == json.loads((page.parent / "manifest.json").read_bytes())
    assert done["manifest"]["rows"] == N
    assert CHECKS not in done["manifest"]["files"]
    shown = artifact(prefect_api)
    assert (shown["type"], shown["data"]) == ("markdown", f"`{page}`")
    before = {path: path.stat().st_mtime_ns for path in page.parent.iterdir()}
    assert publish(region, DAY) == done
    assert {path: path.stat().st_mtime_ns for path in page.parent.iterdir()} == before


def test_what_the_check_found_is_published_beside_the_rows(layout: Layout, region: Region) -> None:
    for name in (CHECKS, CHECKS_PAGE):
        (layout.synthetic(region.id, DAY) / name).write_text(f"<p>{name}</p>")
    done = publish(region, DAY)
    release = Path(done["page"]).parent
    for name in (CHECKS, CHECKS_PAGE):
        assert (release / name).read_text() == f"<p>{name}</p>"
        assert done["manifest"]["files"][name]["sha256"] == sha256_of(release / name)
        assert f"  {name}\n" in (release / "SHA256SUMS").read_text()
        assert f"[{name}]({name})" in (release / "README.md").read_text()
    page = (release / "index.html").read_text()
    assert '<a href="checks.html">checks.html</a>' in page
    assert '<a href="checks.html">All that was expected' in page


def artifact(api: str) -> dict[str, Any]:
    """The page of the release, as staff see it on the server."""
    key = f"release-publish-town-{DAY}"
    found: dict[str, Any] = requests.get(f"{api}/artifacts/{key}/latest", timeout=30).json()
    return found


@pytest.mark.parametrize("slash", ["", "/"])
def test_where_the_releases_are_served_the_page_is_a_link(
    layout: Layout,
    region: Region,
    prefect_api: str,
    monkeypatch: pytest.MonkeyPatch,
    slash: str,
) -> None:
    monkeypatch.setenv("OPENTRIPS_PUBLIC_URL", f"https://example.org/trips{slash}")
    publish(region, DAY)
    address = f"https://example.org/trips/publish_town/{DAY}/r1/index.html"
    assert artifact(prefect_api)["data"] == f"[{address}]({address})"


def test_an_address_that_is_none_is_said_before_anything_is_published(
    layout: Layout, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENTRIPS_PUBLIC_URL", "example.org/trips")
    with pytest.raises(ReleaseError, match=r"OPENTRIPS_PUBLIC_URL=[a-z./]+ is no address"):
        publish(region, DAY)
    assert not layout.releases(region.id, DAY).exists()


def test_rows_that_were_not_checked_are_not_published(layout: Layout, region: Region) -> None:
    (layout.synthetic(region.id, DAY) / "check.json").unlink()
    with pytest.raises(ReleaseError, match="check the release first"):
        publish(region, DAY)
    assert not layout.releases(region.id, DAY).exists()


def test_rows_that_changed_after_the_check_are_not_published(
    layout: Layout, region: Region
) -> None:
    path = layout.synthetic(region.id, DAY) / "trips.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(ReleaseError, match="not the rows that were checked"):
        publish(region, DAY)


def test_rows_of_another_model_are_not_published(layout: Layout, region: Region) -> None:
    model = layout.model(region.id, DAY)
    statement = (model / "model.json").read_bytes()
    write(model, {"another": "model"}, **{"model.json": statement})
    with pytest.raises(ReleaseError, match="another model made these rows"):
        publish(region, DAY)


def test_an_altered_privacy_statement_is_not_published(layout: Layout, region: Region) -> None:
    path = layout.model(region.id, DAY) / "model.json"
    path.write_text(path.read_text().replace('"epsilon": 1.0', '"epsilon": 0.5'))
    with pytest.raises(FileError, match="differs"):
        publish(region, DAY)
