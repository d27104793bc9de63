"""The supervised group: started, asked after and stopped through supervisor."""

import hashlib
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import requests

_START_SECONDS = 300
_STOP_SECONDS = 120
_LONGEST_SOCKET = 90
"""In bytes; the kernel takes 103 (macOS) or 107, and supervisor adds a dot and a process id."""


class GroupError(Exception):
    """The group cannot be started, reached or stopped; one line for a person."""


@dataclass(frozen=True)
class Group:
    """A Prefect server, a worker of each pool, the demo's feed and the pages, on this machine.

    Attributes:
        root: The clone.
        data: Where data lie; the group's own below `service`: the server's database and the logs.
        port: Port of the Prefect server on loopback; the four after it belong to the group too.
    """

    root: Path
    data: Path
    port: int

    @property
    def home(self) -> Path:
        """Where the group keeps its own."""
        return self.data / "service"

    @property
    def logs(self) -> Path:
        """The folder of one log file for each program."""
        return self.home / "logs"

    @property
    def control(self) -> Path:
        """The socket by which supervisor is asked; below /tmp if the group's folder is deep."""
        path = self.home / "supervisor.sock"
        name = os.fsencode(path)
        if len(name) <= _LONGEST_SOCKET:
            return path
        return Path("/tmp") / f"opentrips-{hashlib.sha256(name).hexdigest()[:16]}.sock"

    @property
    def api(self) -> str:
        """URL of the Prefect server's API."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def pages(self) -> str:
        """URL at which this machine's releases are served."""
        return f"http://127.0.0.1:{self.port + 4}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the programs of the group share."""
        return {
            **os.environ,
            "OPENTRIPS_DATA": str(self.data),
            "SERVICE_ROOT": str(self.root),
            "SERVICE_HOME": str(self.home),
            "SERVICE_SOCKET": str(self.control),
            "SERVICE_PYTHON": sys.executable,
            "SERVICE_PORT": str(self.port),
            "SERVICE_CPU_PORT": str(self.port + 1),
            "SERVICE_GPU_PORT": str(self.port + 2),
            "SERVICE_FEED_PORT": str(self.port + 3),
            "SERVICE_PAGES_PORT": str(self.port + 4),
            "OPENTRIPS_PUBLIC_URL": os.environ.get("OPENTRIPS_PUBLIC_URL", self.pages),
            "OPENTRIPS_REPLAY": f"http://127.0.0.1:{self.port + 3}",
            "PREFECT_API_URL": self.api,
            "PREFECT_HOME": str(self.home / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PYTHONPATH": str(self.root),
            "DO_NOT_TRACK": "1",
            "GX_ANALYTICS_ENABLED": "false",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }

    def start(self) -> bool:
        """Start the group in the background, unless it runs.

        Returns:
            Whether it was started now.

        Raises:
            GroupError: If another program has one of its ports, or supervisor does not start.
        """
        if self.is_running():
            return False
        for port in range(self.port, self.port + 5):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    raise GroupError(
                        f"port {port} is in use by another program; choose another: "
                        f"make up PORT={self.port + 100}"
                    )
        for folder in (self.logs, self.home / "prefect"):
            folder.mkdir(parents=True, exist_ok=True)
        done = self._supervise("supervisord")
        if done.returncode != 0:
            raise GroupError(f"supervisor does not start: {_one_line(done)}")
        return True

    def is_running(self) -> bool:
        """Whether supervisor answers."""
        return self.home.is_dir() and self._supervise("supervisorctl", "pid").returncode == 0

    def wait_until_healthy(self) -> None:
        """Wait until the server answers.

        Raises:
            GroupError: If it does not in time.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.api}/health", timeout=5).ok:
                    return
            except requests.RequestException:
                time.sleep(0.5)
        raise GroupError(f"the Prefect server does not answer; see {self.logs / 'server.log'}")

    def status(self) -> str:
        """A line for each program: its state and for how long, as supervisor says it.

        Raises:
            GroupError: If the group does not run.
        """
        if not self.is_running():
            raise GroupError("nothing runs; start it with `make up`")
        return self._supervise("supervisorctl", "status").stdout.rstrip()

    def stop(self) -> None:
        """Stop all programs of the group, and the runs they have started, and wait for their end.

        Raises:
            GroupError: If they do not stop.
        """
        if not self.is_running():
            return
        self._supervise("supervisorctl", "shutdown")
        deadline = time.monotonic() + _STOP_SECONDS
        while (self.home / "supervisord.pid").exists():
            if time.monotonic() > deadline:
                raise GroupError(f"it does not stop; see {self.logs / 'supervisord.log'}")
            time.sleep(0.2)

    def deploy(self, regions: Path) -> str:
        """Deploy the regions of a folder; what the command said.

        Raises:
            GroupError: If it fails.
        """
        done = self._python("-m", "flows.cli", "deploy", str(regions))
        if done.returncode != 0:
            raise GroupError(_one_line(done))
        return done.stdout.rstrip()

    def run_deployment(self, name: str) -> None:
        """Schedule a run of a deployment for now and wait for its end.

        Raises:
            GroupError: If it does not complete.
        """
        done = self._python("-m", "prefect", "deployment", "run", name, "--watch")
        if done.returncode != 0:
            raise GroupError(
                f"the run of {name} did not complete; {self.api.removesuffix('/api')}/runs says why"
            )

    def _python(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def _supervise(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                f"supervisor.{program}",
                "-c",
                str(self.root / "infra" / "service" / "supervisord.conf"),
                *arguments,
            ],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


def _one_line(done: "subprocess.CompletedProcess[str]") -> str:
    said = " ".join((done.stdout + done.stderr).split())
    return said.removeprefix("opentrips: ")[-500:]
