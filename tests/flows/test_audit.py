"""The audit as a user runs it: from the command line, and as a deployment of a server."""

import datetime as dt
import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.replay import ReplayServer, city_day
from tasks.attack import attack
from tasks.audit.errors import AuditError
from tasks.files import FileError, Layout, read_manifest, verify_files
from tasks.region import Region
from tests.flows.conftest import DAY, REGION, ROOT, Run, command


def published(opentrips: Run, region: Path, id_regime: str = "static") -> None:
    """Publish the small simulated city."""
    day = dt.date.fromisoformat(DAY)
    with ReplayServer(city_day(day, vehicles=90, trips=900, id_regime=id_regime)) as feed:
        run = opentrips("run", region, "--day", DAY, replay=feed.url)
    assert run.returncode == 0, run.stderr


def finished_audit(data_root: Path, region: str) -> dict[str, Any]:
    directory = Layout(data_root).audits(region, dt.date.fromisoformat(DAY))
    manifest = read_manifest(directory)
    assert manifest is not None
    verify_files(directory, manifest)
    assert set(manifest["files"]) == {"findings.json", "index.html"}
    return manifest


@pytest.mark.slow
def test_a_day_that_is_not_published_is_not_audited(data_root: Path, tasks_alone: None) -> None:
    region = Region.model_validate(REGION)
    for day, said in ((None, "no day is published"), (dt.date(2026, 1, 2), "not published")):
        with pytest.raises(AuditError, match=said) as caught:
            attack(region, day, 1, True)
        assert "release a day first" in str(caught.value)
    release = data_root / "releases" / "test" / DAY / "r1"
    release.mkdir(parents=True)
    files = {"trips.parquet": {"bytes": 1, "sha256": "00"}}
    (release / "manifest.json").write_text(json.dumps({"files": files}))
    (release / "trips.parquet").write_bytes(b"x")
    with pytest.raises(FileError, match="differs"):
        attack(region, None, 1, True)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("synthesizer", "id_regime"),
    [
        ({"name": "trip_field"}, "static"),
        ({"name": "trip_field"}, "per_trip"),
        (REGION["synthesizer"] | {"steps": 60, "levels": 2}, "static"),
    ],
    ids=["trip_field", "trip_ends", "trip_net"],
)
def test_an_audit_from_the_command_line(
    opentrips: Run,
    write_region: Callable[..., Path],
    data_root: Path,
    synthesizer: dict[str, Any],
    id_regime: str,
) -> None:
    feeds = [{**REGION["feeds"][0], "id_regime": id_regime}]
    region = write_region(synthesizer=synthesizer, feeds=feeds)
    published(opentrips, region, id_regime)
    ledger = (data_root / "private" / "ledger.sqlite").read_bytes()
    run = opentrips("audit", region, "--seeds", 2, "--quick")
    assert run.returncode == 0, run.stderr
    said, page = run.stdout.splitlines()[-2:]
    assert said.startswith(f"Audited Test city, {DAY}; no attack found more")
    manifest = finished_audit(data_root, "test")
    assert len(manifest["epsilon_lower"]) == 2
    assert manifest["violations"] == []
    assert all(0.5 < bound < 4 for bound in manifest["epsilon_lower"])
    text = Path(page).read_text(encoding="utf-8")
    assert "This was a quick audit" in text
    # nothing was charged: the ledger is byte for byte what it was
    assert (data_root / "private" / "ledger.sqlite").read_bytes() == ledger


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_audit_as_a_deployment(
    opentrips: Run,
    write_region: Callable[..., Path],
    environment: dict[str, str],
    data_root: Path,
    prefect_server: str,
    tmp_path: Path,
) -> None:
    region = write_region(id="audited", synthesizer=REGION["synthesizer"] | {"steps": 20})
    published(opentrips, region)
    with (tmp_path / "serve.log").open("wb") as log:
        serving = subprocess.Popen(
            command("serve", region), cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        deployment = until(lambda: deployed(prefect_server, "audit/audited"))
        assert deployment["schedules"] == []
        body = {"parameters": deployment["parameters"] | {"seeds": 1, "quick": True}}
        run = requests.post(
            f"{prefect_server}/deployments/{deployment['id']}/create_flow_run",
            json=body | {"state": {"type": "SCHEDULED"}},
            timeout=30,
        ).json()
        state = until(lambda: ended(prefect_server, run["id"]), seconds=600)
        assert state["type"] == "COMPLETED", (tmp_path / "serve.log").read_text()[-4000:]
    finally:
        serving.terminate()
        serving.wait(60)
    assert finished_audit(data_root, "audited")["violations"] == []
    told = requests.get(f"{prefect_server}/artifacts/audit-audited-{DAY}/latest", timeout=30).json()
    assert told["type"] == "markdown"
    assert re.search(r"Epsilon proven in one run \| \d\.\d\d of 4", told["data"])


def deployed(api: str, name: str) -> dict[str, Any] | None:
    answer = requests.get(f"{api}/deployments/name/{name}", timeout=30)
    return dict(answer.json()) if answer.ok else None


def ended(api: str, run: str) -> dict[str, Any] | None:
    state = requests.get(f"{api}/flow_runs/{run}", timeout=30).json()["state"]
    return state if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None


def until(ask: Callable[[], dict[str, Any] | None], seconds: float = 180) -> dict[str, Any]:
    """The first answer; asks twice a second."""
    deadline = time.monotonic() + seconds
    while (answer := ask()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return answer
