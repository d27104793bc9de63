"""Deriving a day takes as much memory as a few row groups, whatever the day and the region are."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.files import Layout
from tests.benchmarks import derive as benchmark
from tests.tasks.conftest import town

pytestmark = pytest.mark.slow

DAY = dt.date(2026, 5, 20)
SCRIPT = """
import datetime, logging, sys
import tasks.derive
from tasks.region import Region
tasks.derive.get_run_logger = logging.getLogger  # no flow runs here
region = Region.model_validate_json(sys.argv[1])
manifest = tasks.derive.derive.fn(region, datetime.date.fromisoformat(sys.argv[2]))
with open("/proc/self/status") as status:  # the peak of this program, not of its parent
    peak = next(line for line in status if line.startswith("VmHWM")).split()[1]
print(manifest["moves"], peak)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_grows_neither_with_the_day_nor_with_the_number_of_feeds(tmp_path: Path) -> None:
    short = derived(tmp_path / "short", sightings=1_500_000, feeds=1)
    long = derived(tmp_path / "long", sightings=6_000_000, feeds=1)
    assert long[1] < short[1] + 20
    # what is freed after the first feeds is used again
    few = derived(tmp_path / "few", sightings=600_000, feeds=5)
    many = derived(tmp_path / "many", sightings=600_000, feeds=40)
    assert many[0] == 8 * few[0]
    assert many[1] < few[1] + 30


def derived(root: Path, sightings: int, feeds: int) -> tuple[int, float]:
    """Moves found, and peak memory in megabytes."""
    names = [f"f{n}" for n in range(feeds)]
    region = town(
        "town", feeds=[{"id": name, "url": f"https://{name}.example/gbfs.json"} for name in names]
    )
    sealed = Layout(root).sightings(region.id, DAY)
    sealed.mkdir(parents=True)
    first = sealed / "f0.parquet"
    subprocess.run(
        [sys.executable, benchmark.__file__, "--write", str(first), str(sightings)], check=True
    )
    for name in names[1:]:
        (sealed / f"{name}.parquet").symlink_to(first)
        (sealed / f"{name}.polls.parquet").symlink_to(benchmark.polls_of(first))
    output = subprocess.run(
        [sys.executable, "-c", SCRIPT, region.model_dump_json(), DAY.isoformat()],
        env={**os.environ, "OPENTRIPS_DATA": str(root)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    moves, kilobytes = output.split()
    return int(moves), int(kilobytes) / 1000
