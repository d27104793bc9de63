"""Fourteen days of three regions are released by a worker that is killed, on a server that is."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from infra.replay import ReplayServer, city_day
from tasks.files import Layout
from tasks.journal import Journal, run_shift
from tasks.privacy.ledger import Ledger
from tasks.region import Region, load_regions
from tests.conftest import Show, free_port
from tests.flows.conftest import REGION, ROOT, command
from tests.journeys.conftest import EveryNth

FIRST = dt.date(2026, 5, 1)
DAYS = [FIRST + dt.timedelta(days=number) for number in range(14)]
MISSING = ("north", DAYS[5])
"""Never collected."""
EVERY = 20  # minutes between two polls
MOST_RUNS = 8


@pytest.fixture
def regions(tmp_path: Path) -> Path:
    """Three small regions whose trainings cannot be resumed: what is cut off is burned."""
    folder = tmp_path / "regions"
    folder.mkdir()
    for name in ("north", "east", "south"):
        feed = {**REGION["feeds"][0], "source": f"fleet-{name}", "poll_seconds": 60 * EVERY}
        region = {
            **REGION,
            "id": name,
            "feeds": [feed],
            "trips": {"min_per_day": 10, "max_gap_minutes": 60},
            "synthesizer": {**REGION["synthesizer"], "steps": 60, "reserve_steps": 0},
        }
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(region))
    return folder


@pytest.fixture
def collected(regions: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> list[Region]:
    """All days but one, collected and not sealed."""
    read = load_regions([regions])
    layout = Layout(data_root)
    for day in DAYS:
        city = EveryNth(city_day(day, vehicles=20, trips=120), EVERY)
        for region in read:
            if (region.id, day) == MISSING:
                continue
            with ReplayServer(city) as server:
                monkeypatch.setenv("OPENTRIPS_REPLAY", server.url)
                directory = layout.journal(region.id, "feed")
                with Journal(directory, region.id, "feed", region.zone) as journal:
                    run_shift(region, region.feeds[0], journal, day)
    return read


class Service:
    """A Prefect server and a worker, both of which may be killed and started again."""

    def __init__(self, folder: Path, data: Path) -> None:
        port = free_port()
        self.api = f"http://127.0.0.1:{port}/api"
        self.logs = folder
        self._port = port
        self._environment = {
            **os.environ,
            "OPENTRIPS_DATA": str(data),
            "PREFECT_API_URL": self.api,
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
            "PYTHONPATH": str(ROOT),
        }
        self.server = self._start_server()
        self.worker: subprocess.Popen[bytes] | None = None

    def _popen(self, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self.logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "prefect", *arguments],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _start_server(self) -> "subprocess.Popen[bytes]":
        server = self._popen("server", "server", "start", "--port", str(self._port))
        wait_until(lambda: self._answers() or server.poll() is not None, 180)
        assert server.poll() is None, (self.logs / "server.log").read_text()
        return server

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.api}/health", timeout=5).ok
        except requests.RequestException:
            return False

    def start_worker(self) -> None:
        self.worker = self._popen("worker", "worker", "start", "--pool", "cpu", "--limit", "4")

    def kill_worker(self) -> None:
        """kill -9, with all that it runs: the machine is gone."""
        assert self.worker is not None
        kill_tree(self.worker)

    def restart_server(self) -> None:
        kill_tree(self.server)
        self.server = self._start_server()

    def run(self, *arguments: object) -> None:
        done = subprocess.run(
            command(*arguments),
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def start_backfill(self) -> str:
        """Start a run of the deployment as a person would, by its form; its id."""
        deployment = self.get("deployments/name/backfill/all")["id"]
        form = {"first": str(DAYS[0]), "last": str(DAYS[-1]), "releases": "here"}
        made = self.post(
            f"deployments/{deployment}/create_flow_run",
            parameters=form,
            idempotency_key=uuid.uuid4().hex,
        )
        return str(made["id"])

    def state(self, run: str) -> str:
        """Type of the state of a run; while the server does not answer, none."""
        try:
            return str(self.get(f"flow_runs/{run}")["state_type"])
        except requests.RequestException:
            return ""

    def get(self, path: str) -> Any:
        answer = requests.get(f"{self.api}/{path}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, **document: Any) -> Any:
        """As Prefect's own client does it: again where the server is busy."""
        for _ in range(60):
            answer = requests.post(f"{self.api}/{path}", json=document, timeout=60)
            if answer.status_code != 503:
                break
            time.sleep(1)
        answer.raise_for_status()
        return answer.json()

    def stop(self) -> None:
        for process in (self.worker, self.server):
            if process is not None and process.poll() is None:
                kill_tree(process)


def kill_tree(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and those below it, which have sessions of their own."""
    doomed = [process.pid]
    for parent in doomed:
        os.kill(parent, signal.SIGSTOP)  # it starts no more
        found = subprocess.run(
            ["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False
        )
        doomed += map(int, found.stdout.split())
    for pid in doomed:
        os.kill(pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def service(tmp_path: Path, data_root: Path) -> Iterator[Service]:
    service = Service(tmp_path, data_root)
    yield service
    service.stop()


def wait_until(happened: Callable[[], object], seconds: float, pause: float = 0.05) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(pause)


def ended(service: Service, run: str) -> bool:
    return service.state(run) in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_kills_of_the_worker_and_one_of_the_server_lose_and_double_no_day(
    regions: Path, collected: list[Region], service: Service, data_root: Path, show: Show
) -> None:
    layout = Layout(data_root)
    service.run("deploy", regions)
    runs = []
    for region, day in (("east", DAYS[2]), ("north", DAYS[4])):
        runs.append(service.start_backfill())
        service.start_worker()
        wait_until(partial(is_training, layout, region, day), 1200)
        service.kill_worker()
        assert not ended(service, runs[-1])
    service.start_worker()
    runs.append(service.start_backfill())
    before = len(published(layout))
    wait_until(lambda: len(published(layout)) > before + 3, 1200)
    service.restart_server()
    wait_until(lambda: ended(service, runs[-1]), 2400)
    while service.state(runs[-1]) != "COMPLETED" and len(runs) < MOST_RUNS:
        runs.append(service.start_backfill())
        wait_until(lambda: ended(service, runs[-1]), 2400)
    states = [service.state(run) for run in runs]
    assert states[:2] == ["CRASHED", "CRASHED"]
    assert states[-1] == "COMPLETED"

    artifact = service.get("artifacts/backfill/latest")
    rows = {(row["region"], row["day"]): row for row in json.loads(artifact["data"])}
    assert len(rows) == 42 == len(json.loads(artifact["data"]))
    assert artifact["description"].startswith(f"Backfill of {DAYS[0]} to {DAYS[-1]}. 42 days: ")
    assert rows[MISSING[0], str(MISSING[1])]["reason"] == "nothing collected"
    lost = [row for row in rows.values() if row["burned"]]
    done = {place for place, row in rows.items() if row["reason"] == "published already"}
    done |= {place for place, row in rows.items() if row["outcome"] == "published"}
    assert len(done) == 42 - 1 - len(lost)
    assert done == published(layout)
    assert {path.name for path in layout.all_releases.glob("*/2*/*")} == {"r1"}

    with Ledger(layout.ledger, must_exist=True) as ledger:
        charges = ledger.charges()
    trained = sum(charge.epsilon for charge in charges if charge.state == "trained")
    assert trained == len(done) * 1.0
    assert sum(charge.epsilon for charge in charges) - trained == sum(r["burned"] for r in lost)
    assert {charge.state for charge in charges} <= {"trained", "burned"}
    assert {("east", str(DAYS[2])), ("north", str(DAYS[4]))} <= {
        (row["region"], row["day"]) for row in lost
    }
    show(
        "A backfill of 42 days with two kills of the worker and one of the server",
        [f"{len(done)} published, {len(lost)} burned; runs ended {', '.join(states)}"],
    )


def is_training(layout: Layout, region: str, day: dt.date) -> bool:
    """Whether a step has begun; the first takes a second and more, before any checkpoint."""
    if not layout.ledger.exists():
        return False
    with Ledger(layout.ledger, must_exist=True) as ledger:
        return any(
            charge.state == "running" and charge.steps_started > 0
            for charge in ledger.charges()
            if (charge.region, charge.service_day) == (region, str(day))
        )


def published(layout: Layout) -> set[tuple[str, str]]:
    """Region and day of each release."""
    found = layout.all_releases.glob("*/*/r1/manifest.json")
    return {(path.parts[-4], path.parts[-3]) for path in found}
