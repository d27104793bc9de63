import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.files import FileError, read_manifest, verify_files
from tasks.region import Region
from tasks.release.bundle import DOCUMENTS, documents, publish_first
from tasks.release.errors import ReleaseError
from tasks.release.formats.sums import SUMS
from tasks.release.manifest import PublicManifest
from tasks.release.numbers import size
from tasks.release.revisions import published
from tasks.release.software import PACKAGES, installed_software

ROOT = Path(__file__).parents[3]
DATA = {"trips.parquet", "trips.csv.gz", "trips.geo.parquet", "locations.csv", "flows.csv"}
FILES = {*DATA, *DOCUMENTS, "SHA256SUMS", "manifest.json"}


@pytest.fixture
def publish(
    region: Region,
    make_rows: Callable[[Region, int], pa.Table],
    make_manifest: Callable[..., PublicManifest],
) -> Callable[[Path], Path]:
    """Publishes 500 rows of the town."""

    def run(releases: Path) -> Path:
        rows = {"trips": make_rows(region, 500)}
        return publish_first(releases, rows, lambda files: make_manifest(region, files=files))

    return run


def test_a_release_is_whole(publish: Callable[[Path], Path], tmp_path: Path) -> None:
    release = publish(tmp_path / "town" / "2026-05-20")
    assert release == tmp_path / "town" / "2026-05-20" / "r1"
    assert {path.name for path in release.iterdir()} == FILES
    assert [path.name for path in (tmp_path / "town").iterdir()] == ["2026-05-20"]
    manifest = json.loads((release / "manifest.json").read_bytes())
    assert set(manifest["files"]) == FILES - {"manifest.json"}
    verify_files(release, manifest)
    assert manifest["rows"] == pq.read_metadata(release / "trips.parquet").num_rows == 500
    for name in ("README.md", "index.html"):
        text = (release / name).read_text(encoding="utf-8")
        assert manifest["files"]["trips.parquet"]["sha256"] in text


def test_the_page_lists_every_file_with_its_length_and_hash(
    publish: Callable[[Path], Path], tmp_path: Path
) -> None:
    release = publish(tmp_path / "town" / "2026-05-20")
    page = (release / "index.html").read_text("utf-8")
    (table,) = re.findall(r"<caption>Files</caption>.*?</table>", page, re.DOTALL)
    rows = re.findall(r'<a href="(.*?)"( download)?>.*?class="n">(.*?)</td><td>(.*?)</td>', table)
    assert {name for name, *_ in rows} == FILES
    assert [name for name, *_ in rows][-3:] == ["index.html", "SHA256SUMS", "manifest.json"]
    assert {name for name, download, *_ in rows if download} == DATA
    facts = json.loads((release / "manifest.json").read_bytes())["files"]
    for name, _, length, sha256 in rows:
        is_known = name not in ("index.html", "manifest.json")
        assert length == (size((release / name).stat().st_size) if is_known else "")
        has_hash = is_known and name != "SHA256SUMS"
        assert re.sub("<.*?>", "", sha256) == (facts[name]["sha256"] if has_hash else "")


def test_the_page_draws_error_bars_that_were_written_beside_the_rows(
    region: Region,
    make_rows: Callable[[Region, int], pa.Table],
    make_manifest: Callable[..., PublicManifest],
    make_intervals: Callable[[Region, pa.Table], pa.Table],
    tmp_path: Path,
) -> None:
    rows = make_rows(region, 500)

    def write_more(directory: Path) -> list[str]:
        pq.write_table(make_intervals(region, rows), directory / "intervals.parquet")
        return ["intervals.parquet"]

    release = publish_first(
        tmp_path / "town" / "2026-05-20",
        {"trips": rows},
        lambda files: make_manifest(region, files=files),
        write_more,
    )
    page = (release / "index.html").read_text(encoding="utf-8")
    assert page.count('class="whisker"') > 24
    assert '<a href="intervals.parquet" download>' in page
    assert '<a class="button" href="intervals.parquet"' not in page


def test_the_same_day_has_the_same_bytes(publish: Callable[[Path], Path], tmp_path: Path) -> None:
    one, two = publish(tmp_path / "a" / "2026-05-20"), publish(tmp_path / "b" / "2026-05-20")
    for name in FILES:
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_documents_can_be_made_again_of_manifest_and_rows(
    publish: Callable[[Path], Path], tmp_path: Path
) -> None:
    release = publish(tmp_path / "town" / "2026-05-20")
    manifest = json.loads((release / "manifest.json").read_bytes())
    for name in (*DOCUMENTS, SUMS):
        del manifest["files"][name]
    rows = {"trips": pq.read_table(release / "trips.parquet")}
    made = documents(PublicManifest.model_validate(manifest), rows, release)
    assert made == {name: (release / name).read_bytes() for name in DOCUMENTS}
    card = made["README.md"].decode()
    assert re.findall(r"^\| \[(.*?)\]", card, re.MULTILINE) == [
        *("trips.parquet", "trips.csv.gz", "trips.geo.parquet", "locations.csv", "flows.csv")
    ]


def test_a_published_day_is_never_written_again(
    publish: Callable[[Path], Path], tmp_path: Path
) -> None:
    releases = tmp_path / "town" / "2026-05-20"
    assert published(releases) is None
    release = publish(releases)
    before = {path: path.stat().st_mtime_ns for path in release.iterdir()}
    assert publish(releases) == published(releases) == release
    assert {path: path.stat().st_mtime_ns for path in release.iterdir()} == before


def test_an_altered_release_is_reported(publish: Callable[[Path], Path], tmp_path: Path) -> None:
    releases = tmp_path / "town" / "2026-05-20"
    card = publish(releases) / "README.md"
    card.write_text(card.read_text() + "!")
    with pytest.raises(FileError, match=r"README\.md: differs"):
        publish(releases)


def test_a_refused_manifest_leaves_nothing(
    region: Region, make_rows: Callable[[Region, int], pa.Table], tmp_path: Path
) -> None:
    def refuse(files: Any) -> PublicManifest:
        raise ReleaseError("no")

    with pytest.raises(ReleaseError):
        publish_first(tmp_path / "town" / "2026-05-20", {"trips": make_rows(region, 5)}, refuse)
    assert list((tmp_path / "town").iterdir()) == []


PUBLISHER = """
import json, os, sys, time
from pathlib import Path
import pyarrow.parquet as pq
import tasks.release.bundle as bundle
from tasks.release.manifest import PublicManifest
from tasks.release.numbers import size
from tasks.release.revisions import published
rows, fields, releases, slow = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
def stop(staged, final, real=bundle.move_into_place):
    print("staged", flush=True)
    time.sleep(60 if slow == "hang" else 0)
    real(staged, final)
bundle.move_into_place = stop
def manifest_of(files):
    return PublicManifest.model_validate({**json.loads(fields.read_bytes()), "files": files})
print(bundle.publish_first(releases, {"trips": pq.read_table(rows)}, manifest_of), flush=True)
"""


@pytest.fixture
def start(
    region: Region,
    make_rows: Callable[[Region, int], pa.Table],
    make_manifest: Callable[..., PublicManifest],
    tmp_path: Path,
) -> Callable[[Path, str], "subprocess.Popen[str]"]:
    """Starts a publisher in a process of its own, which says "staged" before it moves."""
    pq.write_table(make_rows(region, 500), tmp_path / "rows.parquet")
    (tmp_path / "fields.json").write_text(json.dumps(make_manifest(region).fields()))

    def run(releases: Path, slow: str) -> "subprocess.Popen[str]":
        files = [str(tmp_path / "rows.parquet"), str(tmp_path / "fields.json"), str(releases)]
        return subprocess.Popen(
            [sys.executable, "-B", "-c", PUBLISHER, *files, slow],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )

    return run


def test_a_killed_publisher_leaves_the_old_state_and_the_next_cleans_up(
    start: Callable[[Path, str], "subprocess.Popen[str]"],
    publish: Callable[[Path], Path],
    tmp_path: Path,
) -> None:
    releases = tmp_path / "town" / "2026-05-20"
    with start(releases, "hang") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "staged\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not releases.exists()
    (left_over,) = (tmp_path / "town").iterdir()
    assert left_over.name.startswith(".2026-05-20.staged-")
    release = publish(releases)
    assert [path.name for path in (tmp_path / "town").iterdir()] == ["2026-05-20"]
    verify_files(release, read_manifest(release) or {})


def test_two_publishers_race_and_one_release_stands(
    start: Callable[[Path, str], "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    releases = tmp_path / "town" / "2026-05-20"
    racers = [start(releases, "go") for _ in range(3)]
    said = [racer.communicate(timeout=60)[0].splitlines() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert sum(lines.count("staged") for lines in said) == 1
    assert {lines[-1] for lines in said} == {str(releases / "r1")}
    assert [path.name for path in (tmp_path / "town").iterdir()] == ["2026-05-20"]


def test_a_dead_process_holds_no_lock(
    start: Callable[[Path, str], "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    releases = tmp_path / "town" / "2026-05-20"
    with start(releases, "hang") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "staged\n"
        second = start(releases, "go")
        time.sleep(0.5)
        assert not releases.exists()
        first.kill()
        first.wait()
        assert second.communicate(timeout=60)[0].splitlines()[-1] == str(releases / "r1")


def test_software_names_its_versions() -> None:
    software = installed_software()
    assert set(software.packages) == set(PACKAGES)
    assert software.opentrips.startswith("0.")
