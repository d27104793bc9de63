"""What a region costs a cluster, measured, and from that what many regions would cost.

    python -m tests.benchmarks.cluster_scale

Measured are a shift of one feed of 800 vehicles as a worker runs it (a process of its own that
reports to a Prefect server), a day of its journal, the sealed day, and the training of a day of
10,000 trips. Processor time, memory and bytes are quoted, which other programs on the machine
change little. The table multiplies: it says what the machines would have to have, and was not run.
"""

import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml
from prefect.settings import PREFECT_API_URL
from prefect.testing.utilities import prefect_test_harness

from tasks.files import Layout
from tests.benchmarks.seal import Day, journal_day
from tests.benchmarks.trip_field_cost import Case, Cost, measure_cost
from tests.tasks.conftest import FeedServer, gzipped, region_of, vehicles

VEHICLES, TRIPS, POLLS_A_DAY = 800, 10_000, 1440
POLL_SECONDS, MINUTES = 10, 1.0
REGIONS = (10, 100, 1000)
RETENTION_DAYS = 7


@dataclass(frozen=True)
class Shift:
    """A shift of some polls: processor seconds, peak memory in MB, polls."""

    cpu_s: float
    peak_mb: float
    polls: int


def measure_shift(minutes: float, root: Path) -> Shift:
    """Collect one feed for some minutes by a process of its own."""
    root.mkdir()
    server = FeedServer()
    server.serve("/v", gzipped(vehicles(VEHICLES).replace(b'"ttl": 60', b'"ttl": 0')))
    region = region_of(f"{server.url}/v", poll_seconds=POLL_SECONDS)
    (root / "region.yaml").write_text(yaml.safe_dump(region.model_dump(mode="json")))
    command = [sys.executable, "-m", "flows.cli", "collect", str(root / "region.yaml")]
    environment = os.environ | {
        "OPENTRIPS_DATA": str(root / "data"),
        "PREFECT_API_URL": str(PREFECT_API_URL.value()),
    }
    collecting = subprocess.Popen(
        [*command, "--minutes", str(minutes)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(collecting.pid, 0)
    polls = len(server.requests)
    server.stop()
    if status != 0:
        raise RuntimeError(f"collecting ended with {status}")
    return Shift(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, polls)


def measure_training(trips: int) -> tuple[float, Cost]:
    """Processor seconds of a process that measures and fits a day, and what it says of the fit."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        cost = pool.submit(measure_cost, Case(trips, 0.3)).result()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, cost


def bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure_day(root: Path) -> tuple[int, int, float]:
    """Bytes of a day's journal and of the sealed day, and seconds of sealing it."""
    journal_day(Day("", VEHICLES, POLLS_A_DAY, 0.05), Layout(root))
    journal = bytes_below(root)
    command = [sys.executable, "-m", "tests.benchmarks.seal", str(root)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(run.stdout)
    return journal, round(figures["bytes"] * figures["rows"]), figures["seconds"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, prefect_test_harness(120):
        short = measure_shift(2 * POLL_SECONDS / 60, Path(folder, "short"))
        shift = measure_shift(MINUTES, Path(folder, "long"))
    print(
        f"a shift: {shift.cpu_s:.1f} s of processor time for {shift.polls} polls, "
        f"{short.cpu_s:.1f} s for {short.polls}; {shift.peak_mb:.0f} MB"
    )
    with tempfile.TemporaryDirectory() as folder:
        journal, sealed, seconds = measure_day(Path(folder))
    print(
        f"a day of {POLLS_A_DAY} polls of {VEHICLES} vehicles: journal {journal / 1e6:.1f} MB, "
        f"sealed {sealed / 1e6:.1f} MB in {seconds:.1f} s"
    )
    training_s, cost = measure_training(TRIPS)
    print(
        f"a training of {TRIPS:,} trips: {training_s:.0f} s of processor time, the fit "
        f"{cost.fit_s:.0f} s by the clock, {cost.peak_mb:,.0f} MB"
    )
    print("multiplied, not run: regions of one such feed")
    for regions in REGIONS:
        print(
            f"    {regions:>5,}: {regions / 60:.1f} polls a second, "
            f"{regions * short.cpu_s / 60:.1f} cores begin all shifts in a minute, shifts hold "
            f"{regions * shift.peak_mb / 1024:,.0f} GB, journals of {RETENTION_DAYS} days "
            f"{RETENTION_DAYS * regions * journal / 1e9:,.1f} GB, sealed days of a year "
            f"{365 * regions * sealed / 1e9:,.0f} GB, trainings of a night "
            f"{regions * training_s / 3600:,.1f} core hours"
        )


if __name__ == "__main__":
    main()
