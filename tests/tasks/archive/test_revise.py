import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.cli import main
from tasks import exchange
from tasks.archive.publishing import publish_archive
from tasks.check import check_release
from tasks.files import FileError, Layout, sha256_of
from tasks.files.store import Store
from tasks.generate import generate
from tasks.ledger import account_of
from tasks.region import Region
from tasks.release.bundle import DOCUMENTS
from tasks.release.errors import ReleaseError
from tasks.release.formats.sums import SUMS
from tasks.revise import revise
from tasks.verify import verify
from tasks.withdraw import withdraw
from tests.tasks.archive.forging import manifest_of
from tests.tasks.archive.published import NEXT, region_of_trips
from tests.tasks.derived_day import DAY

ROOT = Path(__file__).parents[3]
AT = dt.datetime(2026, 6, 1, 8, tzinfo=dt.UTC)


def files_of(release: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in release.iterdir()}


def test_a_revision_with_the_same_rows_has_other_documents_and_costs_nothing(
    trips: Layout, tasks_alone: None
) -> None:
    changes = {"name": "Town on the river", "licence": "CC0-1.0"}
    region = region_of_trips().model_copy(update=changes)
    releases = trips.releases("demo", NEXT)
    before, charged = files_of(releases / "r1"), account_of(region)
    done = revise(region, NEXT, " The name\nwas wrong.", now=AT)
    assert done["page"] == str(releases / "r2" / "index.html")
    assert files_of(releases / "r1") == before
    assert account_of(region) == charged
    manifest = manifest_of(releases / "r2")
    assert manifest["revision"] == 2
    assert manifest["revises"] == {
        "revision": 1,
        "manifest_sha256": sha256_of(releases / "r1" / "manifest.json"),
        "reason": "The name was wrong.",
        "at": "2026-06-01T08:00:00Z",
    }
    assert (manifest["region"]["name"], manifest["licence"]) == ("Town on the river", "CC0-1.0")
    same = ("guarantee", "mechanism", "charge", "accountant", "history", "capture", "tables")
    assert {name: manifest[name] for name in same} == {
        name: manifest_of(releases / "r1")[name] for name in same
    }
    after = files_of(releases / "r2")
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"manifest.json", SUMS, *DOCUMENTS}
    said = "Revision r2 takes the place of r1 since 2026-06-01: The name was wrong."
    assert said in after["index.html"].decode()
    assert said in after["README.md"].decode().replace("\\", "")
    report = verify(str(releases / "r2"))
    assert not report.has_faults, report.lines
    assert any("it revises r1, whose model and charge it has" in line for line in report.lines)


def test_other_rows_of_the_same_model_cost_nothing_though_the_trips_are_gone(
    trips: Layout, tmp_path: Path, prefect_api: str
) -> None:
    assert not trips.trips("demo", NEXT).exists()
    region, releases = region_of_trips(), trips.releases("demo", NEXT)
    charged = account_of(region)
    file = tmp_path / "demo.yaml"
    file.write_text(json.dumps(region.model_dump(mode="json")))
    options = ["revise", str(file), "--day", str(NEXT), "--reason", "Again."]
    assert main([*options, "--resample"]) == 0
    assert account_of(region) == charged
    rows = [pq.read_table(releases / name / "trips.parquet") for name in ("r1", "r2")]
    assert rows[0].num_rows == rows[1].num_rows == 720
    assert not rows[0].equals(rows[1])
    assert not verify(str(releases / "r2")).has_faults
    catalogue = json.loads((trips.all_releases / "catalog.json").read_bytes())
    assert catalogue["regions"][0]["latest"] == f"demo/{NEXT}/r2"
    assert main(options) == 0
    assert manifest_of(releases / "r3")["revises"]["revision"] == 2
    assert pq.read_table(releases / "r3" / "trips.parquet").equals(rows[1])


def test_after_a_withdrawal_only_other_rows_make_a_revision(
    trips: Layout, tasks_alone: None
) -> None:
    region, releases = region_of_trips(), trips.releases("demo", NEXT)
    withdraw(region, NEXT, "Wrong rows.", AT)
    with pytest.raises(ReleaseError, match=r"rows are withdrawn; draw others .*--resample"):
        revise(region, NEXT, "Right rows.", now=AT)
    generate(region, NEXT, afresh=True)
    with pytest.raises(ReleaseError, match="not the rows that were checked"):
        revise(region, NEXT, "Right rows.", resample=True, now=AT)
    assert [path.name for path in releases.iterdir()] == ["r1"]
    check_release(region, NEXT)
    revise(region, NEXT, "Right rows.", resample=True, now=AT)
    (fault,) = (line for line in verify(str(releases / "r2")).lines if line.startswith("FAULT"))
    assert "catalog.json does not list this release" in fault
    publish_archive(Store.at(trips.all_releases.as_uri()), None)
    report = verify(str(releases / "r2"))
    assert not report.has_faults, report.lines


@pytest.mark.parametrize(
    ("day", "reason", "error", "said"),
    [
        (NEXT, " ", ReleaseError, "a revision needs a reason"),
        (dt.date(2030, 1, 1), "Why", FileError, "2030-01-01 is not published"),
    ],
)
def test_a_revision_of_nothing_or_for_nothing_is_refused(
    day: dt.date, reason: str, error: type[Exception], said: str, trips: Layout, tasks_alone: None
) -> None:
    with pytest.raises(error, match=said):
        revise(region_of_trips(), day, reason)


def test_a_model_that_is_not_the_one_of_the_release_is_refused(
    trips: Layout, tasks_alone: None
) -> None:
    model, other = (trips.model("demo", day) for day in (NEXT, DAY))
    model.rename(model.with_name("away"))
    other.rename(model)
    with pytest.raises(ReleaseError, match="not the one that r1 was made from"):
        revise(region_of_trips(), NEXT, "Why", now=AT)


def test_a_revision_reaches_other_machines_with_the_one_before(
    trips: Layout, tasks_alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENTRIPS_PUBLIC_STORE", (tmp_path / "public").as_uri())
    region: Region = region_of_trips()
    exchange.keep(exchange.release, region, NEXT)
    revise(region, NEXT, "Other words.", now=AT)
    monkeypatch.setenv("OPENTRIPS_DATA", str(tmp_path / "two"))
    exchange.fetch([exchange.release], region, NEXT)
    here = Layout(tmp_path / "two").releases("demo", NEXT)
    for name in ("r1", "r2"):
        assert files_of(here / name) == files_of(trips.releases("demo", NEXT) / name)


RACER = """
import datetime as dt, sys
from prefect.logging import disable_run_logger
import tasks.revise as module
from tests.tasks.archive.published import NEXT, region_of_trips
module.show_page = lambda *_: None
print("ready", flush=True)
sys.stdin.readline()
with disable_run_logger():
    print(module.revise.fn(region_of_trips(), NEXT, sys.argv[1])["manifest"]["revises"]["reason"])
"""


@pytest.mark.slow
def test_of_two_machines_that_revise_at_once_one_wins(
    trips: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENTRIPS_PUBLIC_STORE", (tmp_path / "public").as_uri())
    exchange.keep(exchange.release, region_of_trips(), NEXT)
    racers = [_start(trips, tmp_path, name) for name in ("one", "two")]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n", racer.communicate()[1]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = [racer.communicate(timeout=120) for racer in racers]
    public = tmp_path / "public" / "demo" / str(NEXT)
    reasons = [manifest_of(path)["revises"]["reason"] for path in sorted(public.glob("r[2-9]"))]
    assert len(reasons) in (1, 2), said  # side by side, or one after the other
    assert len(set(reasons)) == len(reasons)
    for path in public.glob("r[2-9]"):
        assert not verify(str(path)).has_faults


def _start(trips: Layout, tmp_path: Path, name: str) -> "subprocess.Popen[str]":
    root = shutil.copytree(trips.root, tmp_path / name)
    environment: dict[str, Any] = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OPENTRIPS_DATA": str(root),
    }
    return subprocess.Popen(
        [sys.executable, "-c", RACER, f"by {name}"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
