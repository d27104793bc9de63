import datetime as dt
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from tests.flows.conftest import ROOT, command


@pytest.fixture
def serving(
    write_region: Callable[..., Path], environment: dict[str, str], tmp_path: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    with (tmp_path / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            command("serve", write_region(id="nightly")),
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
        yield process
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def scheduled_runs(api: str, flow: str) -> list[dict[str, Any]]:
    answer = requests.post(
        f"{api}/flow_runs/filter",
        json={
            "flows": {"name": {"any_": [flow]}},
            "deployments": {"name": {"any_": ["nightly"]}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
            "sort": "EXPECTED_START_TIME_ASC",
        },
        timeout=30,
    )
    answer.raise_for_status()
    return list(answer.json())


def test_a_cron_deployment_gets_its_scheduled_runs(
    serving: "subprocess.Popen[bytes]", prefect_server: str, tmp_path: Path
) -> None:
    deadline = time.monotonic() + 120
    while not (
        (nightly := scheduled_runs(prefect_server, "release"))
        and scheduled_runs(prefect_server, "collect")
    ):
        assert serving.poll() is None, (tmp_path / "serve.log").read_text()
        assert time.monotonic() < deadline, (tmp_path / "serve.log").read_text()
        time.sleep(0.5)
    due = dt.datetime.fromisoformat(nightly[0]["expected_start_time"])
    local = due.astimezone(ZoneInfo("America/Kentucky/Louisville"))
    assert (local.hour, local.minute) == (0, 20)
    assert due > dt.datetime.now(dt.UTC)
    assert nightly[0]["parameters"]["region"]["id"] == "nightly"


def test_serve_without_a_server_says_how_to_start_one(
    write_region: Callable[..., Path], environment: dict[str, str]
) -> None:
    del environment["PREFECT_API_URL"]
    run = subprocess.run(
        command("serve", write_region()),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("opentrips: serve needs a Prefect server: start one with")
