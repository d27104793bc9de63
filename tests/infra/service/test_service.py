import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

from infra.service.group import Group, GroupError
from tests.conftest import free_port

ROOT = Path(__file__).parents[3]
Service = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def service(tmp_path: Path, port: int) -> Iterator[Service]:
    """Runs `python -m infra.service COMMAND` on data of its own."""
    environment = {**os.environ, "OPENTRIPS_DATA": str(tmp_path / "data")}

    def run(command: str, *options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "infra.service", command, "--port", str(port), *options],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    run("down")


def of_the_group(data: Path) -> list[psutil.Process]:
    """Every process that was started with these data."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SERVICE_HOME") == str(data / "service"):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def pid_of(program: str, status: str) -> int:
    line = line_of(program, status)
    assert "RUNNING" in line, status
    return int(line.split("pid ")[1].split(",")[0])


def line_of(program: str, status: str) -> str:
    (line,) = (line for line in status.splitlines() if line.split()[0] == program)
    return line


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_command_brings_a_clone_to_its_first_scheduled_release_and_one_ends_it(
    service: Service, tmp_path: Path, port: int
) -> None:
    up = service("up")
    assert up.returncode == 0, up.stdout + up.stderr
    (page,) = (tmp_path / "data" / "releases" / "demo").glob("*/r1/index.html")
    assert str(page) in up.stdout
    assert f"opentrips is up: http://127.0.0.1:{port}" in up.stdout

    wait_for(lambda: "RUNNING" in line_of("server", service("status").stdout), 150)
    status = service("status").stdout
    assert {line.split()[0] for line in status.splitlines()} >= {
        "server",
        "cpu",
        "gpu",
        "feed",
        "pages",
    }
    shown = requests.get(
        f"http://127.0.0.1:{port + 4}/demo/{page.parent.parent.name}/r1/index.html", timeout=30
    )
    assert shown.content == page.read_bytes()
    os.kill(pid_of("server", status), signal.SIGKILL)
    api = f"http://127.0.0.1:{port}/api"
    wait_for(lambda: _answers(f"{api}/health"), 120)
    runs = requests.post(
        f"{api}/flow_runs/filter",
        json={"flows": {"name": {"any_": ["train"]}}},
        timeout=30,
    ).json()
    assert [run["state_type"] for run in runs] == ["COMPLETED"]
    assert runs[0]["work_pool_name"] == "gpu"

    down = service("down")
    assert down.returncode == 0, down.stderr
    wait_for(lambda: not of_the_group(tmp_path / "data"), 30)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0

    assert "is done" not in service("up").stdout
    runs_after = requests.post(
        f"{api}/flow_runs/filter", json={"flows": {"name": {"any_": ["train"]}}}, timeout=30
    ).json()
    assert [run["id"] for run in runs_after] == [run["id"] for run in runs]


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def test_what_does_not_run_is_said(service: Service) -> None:
    status = service("status")
    assert (status.returncode, status.stderr) == (
        1,
        "opentrips: nothing runs; start it with `make up`\n",
    )
    down = service("down")
    assert (down.returncode, down.stderr) == (0, "")


def test_a_port_in_use_is_said_before_anything_starts(tmp_path: Path, port: int) -> None:
    group = Group(ROOT, tmp_path, port)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port + 3))
        other.listen()
        with pytest.raises(GroupError, match=f"port {port + 3} is in use by another program"):
            group.start()
    assert not group.home.exists()


@pytest.mark.parametrize("depth", [1, 40])
def test_the_socket_has_a_path_that_the_kernel_takes(port: int, depth: int) -> None:
    data = Path("/srv").joinpath(*["deep"] * depth)
    group, other = Group(ROOT, data, port), Group(ROOT, data / "other", port)
    assert len(f"{group.control}.4194304") <= 103
    assert group.control != other.control
    assert (group.control.parent == group.home) == (depth == 1)
