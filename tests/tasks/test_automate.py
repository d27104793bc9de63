import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment

from tasks.automate import DeployError, make_automations
from tasks.deploy import deploy
from tests.flows.conftest import REGION, ROOT

WANTED = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())["definitions"][
    "automations"
]


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web hook on loopback: its URL, and what it was sent."""
    received: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", received
        server.shutdown()


@pytest.fixture
def duty(told: tuple[str, list[dict[str, Any]]], prefect_api: str) -> str:
    """A notification block of which `told` hears."""
    block = CustomWebhookNotificationBlock(
        name="duty", url=told[0], json_data={"subject": "{{subject}}", "body": "{{body}}"}
    )
    block.save("duty", overwrite=True)
    return "custom-webhook/duty"


def test_automations_are_made_once_and_stay_as_a_person_left_them(duty: str) -> None:
    with get_client(sync_client=True) as client:

        def ours() -> dict[str, Any]:
            return {
                found.name: found
                for one in WANTED
                for found in client.read_automations_by_name(one["name"])
            }

        make_automations(client, WANTED, None)
        assert list(ours()) == ["opentrips, a run whose worker died"]
        make_automations(client, WANTED, duty)
        first = ours()
        assert set(first) == {one["name"] for one in WANTED}
        client.pause_automation(first["opentrips, a run that is late"].id)
        before = ours()
        make_automations(client, WANTED, duty)
        assert ours() == before
        changed = [{**WANTED[0], "description": "another"}, *WANTED[1:]]
        make_automations(client, changed, duty)
        assert ours()["opentrips, a run whose worker died"].description == "another"
        assert ours()["opentrips, a run that is late"].enabled is False
        for automation in ours().values():
            client.delete_automation(automation.id)


@pytest.mark.parametrize("alert", ["custom-webhook/nobody", "nothing"])
def test_a_block_that_does_not_exist_is_refused(alert: str, prefect_api: str) -> None:
    with (
        get_client(sync_client=True) as client,
        pytest.raises(DeployError, match=rf"--alert {alert}: there is no such block"),
    ):
        make_automations(client, WANTED, alert)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_whose_worker_is_killed_frees_its_slot_and_people_are_told(
    duty: str, told: tuple[str, list[dict[str, Any]]], prefect_api: str, tmp_path: Path
) -> None:
    folder = tmp_path / "regions"
    folder.mkdir()
    region = {**REGION, "id": "doomed"}
    region["feeds"] = [{**region["feeds"][0], "clock": "wall"}]
    (folder / "doomed.yaml").write_text(yaml.safe_dump(region))
    deploy(folder, alert=duty)
    environment = {
        **os.environ,
        "PREFECT_API_URL": prefect_api,
        "OPENTRIPS_DATA": str(tmp_path / "data"),
        "OPENTRIPS_REPLAY": "http://127.0.0.1:9",  # nobody answers: the shift goes on trying
    }
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "cpu"]
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        run = run_deployment("collect/doomed", timeout=0)
        assert isinstance(run, FlowRun)
        _wait_for(run, "RUNNING")
        time.sleep(35)  # a heartbeat was heard
    finally:
        for process in (*psutil.Process(worker.pid).children(recursive=True), worker):
            os.kill(process.pid, signal.SIGKILL)
        worker.wait()
    ended = _wait_for(run, "CRASHED")
    assert ended.state is not None
    assert ended.state.message == "its worker was not heard of for 180 seconds"
    deadline = time.monotonic() + 60
    while not (news := [one for one in told[1] if "collect-doomed" in one["subject"]]):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert news[0]["subject"] == "opentrips: collect-doomed Crashed"
    assert "its worker was not heard of for 180 seconds" in news[0]["body"]
    assert "prefect deployment run 'collect/doomed'" in news[0]["body"]
    with get_client(sync_client=True) as client:
        for one in WANTED:
            for found in client.read_automations_by_name(one["name"]):
                client.delete_automation(found.id)


def _wait_for(run: FlowRun, state: str) -> FlowRun:
    deadline = time.monotonic() + 360
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            seen = client.read_flow_run(run.id)
            if seen.state_type is not None and seen.state_type.value == state:
                return seen
            time.sleep(1)
    raise AssertionError(f"{run.name} is not {state} but {seen.state}")
