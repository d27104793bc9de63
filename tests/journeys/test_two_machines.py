"""A night on two machines: PostgreSQL behind server and ledger, S3 behind the stores."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import fsspec
import psycopg
import pytest
import requests
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments import run_deployment
from prefect.settings import PREFECT_API_URL, temporary_settings

from infra.replay import ReplayServer, city_day
from tasks.deploy import deploy
from tasks.files import verify_files
from tasks.files.store import Store
from tasks.privacy.ledger import Ledger
from tests.conftest import free_port
from tests.debian_postgresql import debian_postgresql
from tests.flows.conftest import REGION, ROOT

ZONE = "America/Kentucky/Louisville"


@contextmanager
def running(
    arguments: list[str], environment: Mapping[str, str], log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of its own group until the block ends."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**os.environ, **environment},
            cwd=ROOT,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """URLs of two databases in a server of Debian's: the Prefect server's and the ledger's."""
    with debian_postgresql(tmp_path / "postgresql") as url:
        with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
            for name in ("prefect", "ledger"):
                connection.execute(f"CREATE DATABASE {name}".encode())
        yield f"{url}/prefect".replace("postgresql:", "postgresql+asyncpg:"), f"{url}/ledger"


@pytest.fixture
def machines(
    databases: tuple[str, str], s3: str, s3_server: Path, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """A server, a feed, and the workers of two machines; gives what they have in common."""
    api = f"http://127.0.0.1:{free_port()}/api"
    day = dt.datetime.now(dt.UTC).astimezone(ZoneInfo(ZONE)).date() - dt.timedelta(days=1)
    with ExitStack() as stack:
        feed = stack.enter_context(ReplayServer(city_day(day, ZONE)))
        common = {
            "AWS_CONFIG_FILE": str(s3_server),
            "OPENTRIPS_LEDGER": databases[1],
            "OPENTRIPS_PRIVATE_STORE": f"s3://opentrips-private/{s3}?profile=private",
            "OPENTRIPS_PUBLIC_STORE": f"s3://opentrips-public/{s3}?profile=public",
            "OPENTRIPS_REPLAY": feed.url,
            "PREFECT_API_URL": api,
        }
        server = {
            "PREFECT_HOME": str(tmp_path / "server"),
            "PREFECT_API_DATABASE_CONNECTION_URL": databases[0],
            "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "2",
        }
        port = api.split(":")[2].removesuffix("/api")
        start = ["prefect", "server", "start", "--port", port]
        stack.enter_context(running(start, server, tmp_path / "server.log"))
        wait_until(lambda: _is_well(api), 240, tmp_path / "server.log")
        stack.enter_context(temporary_settings({PREFECT_API_URL: api}))
        for pool in ("cpu", "gpu"):
            own = {
                "OPENTRIPS_DATA": str(tmp_path / pool),
                "PREFECT_HOME": str(tmp_path / f"{pool}-home"),
            }
            worker = ["prefect", "worker", "start", "--pool", pool, "--type", "process"]
            stack.enter_context(running(worker, common | own, tmp_path / f"{pool}.log"))
        yield common


def wait_until(condition: Callable[[], bool], seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, log.read_text()[-5000:]
        time.sleep(1)


def _is_well(api: str) -> bool:
    try:
        return requests.get(f"{api}/health", timeout=5).ok
    except requests.RequestException:
        return False


def fire(client: SyncPrefectClient, region: str, tmp_path: Path) -> FlowRun:
    """Let the schedule of the region's release come due in the next minutes; its run."""
    deployment = client.read_deployment_by_name(f"release/{region}")
    due = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=100)
    cron = CronSchedule(cron=f"{due.minute} {due.hour} * * *", timezone="UTC")
    for schedule in deployment.schedules:
        client.delete_deployment_schedule(deployment.id, schedule.id)
    client.create_deployment_schedules(
        deployment.id, [DeploymentScheduleCreate(schedule=cron, active=True)]
    )

    def ended() -> list[FlowRun]:
        return [
            run
            for run in client.read_flow_runs()
            if run.deployment_id == deployment.id
            and run.expected_start_time is not None
            and run.expected_start_time.minute == due.minute
            and run.state is not None
            and run.state.is_final()
        ]

    wait_until(lambda: bool(ended()), 420, tmp_path / "cpu.log")
    return ended()[0]


def objects(url: str) -> dict[str, Any]:
    """Everything in a store, with the tags that change with content."""
    store = Store.at(url)
    files = fsspec.filesystem("s3", profile="public", use_listings_cache=False)
    return {path: facts["ETag"] for path, facts in files.find(store.root, detail=True).items()}


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_night_fires_by_schedule_trains_on_the_gpu_pool_and_is_published_once(
    machines: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "regions"
    folder.mkdir()
    region = {**REGION, "id": "city", "synthesizer": {"name": "trip_field", "steps": 30}}
    (folder / "city.yaml").write_text(yaml.safe_dump(region))
    deploy(folder)
    collected = run_deployment("collect/city", timeout=420)
    assert isinstance(collected, FlowRun)
    assert collected.state is not None
    assert collected.state.is_completed(), (tmp_path / "cpu.log").read_text()[-5000:]

    with get_client(sync_client=True) as client:
        night = fire(client, "city", tmp_path)
        assert night.state is not None
        assert night.state.is_completed(), (tmp_path / "cpu.log").read_text()[-5000:]
        assert night.auto_scheduled
        assert night.work_pool_name == "cpu"
        (training,) = (run for run in client.read_flow_runs() if run.name.startswith("train-city"))
    assert training.work_pool_name == "gpu"
    assert training.parent_task_run_id is not None
    day = training.name.removeprefix("train-city-")
    assert (tmp_path / "gpu/private/city/model" / day / "measurements.npz").exists()
    assert not (tmp_path / "gpu/private/city/sightings").exists()
    assert "training" in (tmp_path / "gpu.log").read_text().lower()
    assert "there is no GPU" in (tmp_path / "gpu.log").read_text()

    for name in ("AWS_CONFIG_FILE", "OPENTRIPS_LEDGER"):
        monkeypatch.setenv(name, machines[name])
    public = machines["OPENTRIPS_PUBLIC_STORE"]
    release = tmp_path / "reader"
    assert Store.at(public).fetch(f"city/{day}/r1", release)
    manifest = json.loads((release / "manifest.json").read_text())
    verify_files(release, manifest)
    assert manifest["service_day"] == day
    private = Store.at(machines["OPENTRIPS_PRIVATE_STORE"])
    assert private.names("") == [f"city/{room}/{day}" for room in ("model", "sightings", "trips")]
    published = objects(public)
    with Ledger(machines["OPENTRIPS_LEDGER"], must_exist=True) as ledger:
        charges = ledger.charges()
    assert [charge.state for charge in charges] == ["trained"]

    with get_client(sync_client=True) as client:
        again = fire(client, "city", tmp_path)
        trainings = [run for run in client.read_flow_runs() if run.name.startswith("train-")]
    assert [run.id for run in trainings] == [training.id]
    assert again.id != night.id
    assert again.state is not None
    assert again.state.is_completed()
    assert objects(public) == published
    with Ledger(machines["OPENTRIPS_LEDGER"], must_exist=True) as ledger:
        assert ledger.charges() == charges
