"""The command line as a user runs it: a process of its own, against a real replay server."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]

DAY = "2026-05-20"

REGION: dict[str, Any] = {
    "id": "test",
    "name": "Test city",
    "time_zone": "America/Kentucky/Louisville",
    "service_area": [
        {"name": "louisville", "south": 38.18, "west": -85.82, "north": 38.30, "east": -85.64}
    ],
    "feeds": [
        {
            "id": "feed",
            "url": "${OPENTRIPS_REPLAY}/2.3/gbfs.json",
            "source": "test-source",
            "poll_seconds": 60,
            "clock": "feed",
        }
    ],
    "trips": {"min_per_day": 50},
    "synthesizer": {"name": "trip_net", "steps": 10, "reserve_steps": 10, "hidden_units": 16},
}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def write_region(tmp_path: Path) -> Callable[..., Path]:
    """Writes a region's YAML file: the test region with some keys changed."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "region.yaml"
        path.write_text(yaml.safe_dump({**REGION, **changes}), encoding="utf-8")
        return path

    return write


@pytest.fixture
def environment(data_root: Path, prefect_server: str) -> dict[str, str]:
    """What a command of the user's finds in its environment."""
    return {**os.environ, "OPENTRIPS_DATA": str(data_root), "PREFECT_API_URL": prefect_server}


@pytest.fixture
def opentrips(environment: dict[str, str]) -> Run:
    """Runs `opentrips ...` to its end, with the feed at a URL."""

    def run(
        *arguments: object, replay: str | None = None, seconds: float = 280
    ) -> "subprocess.CompletedProcess[str]":
        variables = {**environment, **({"OPENTRIPS_REPLAY": replay} if replay else {})}
        return subprocess.run(
            command(*arguments),
            cwd=ROOT,
            env=variables,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    return run


def command(*arguments: object) -> list[str]:
    """The command line of `opentrips` in this environment."""
    return [sys.executable, "-m", "flows.cli", *map(str, arguments)]
