"""Journal and seal a full-size day: bytes per sighting, time per poll, time and memory of a seal.

    python -m tests.benchmarks.seal

9.3 million sightings of 3,393 vehicles (a poll every 31.5 s), once with one poll in twenty moving
a parked vehicle's fix and once with every poll doing so. Then a day of 1,440 polls of 10,000
vehicles that have a new id in each poll. Every day is sealed by a process of its own, whose peak
memory is printed beside its imports' share.
"""

import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.files import Layout
from tasks.gbfs import parse
from tasks.journal import Journal, Poll, seal_day
from tests.tasks.conftest import DAY, START, region_of

REGION = region_of("http://a.example/")


@dataclass(frozen=True)
class Day:
    """A day of a feed; `moving` is the chance of each poll to move a parked vehicle's fix."""

    title: str
    vehicles: int
    polls: int
    moving: float
    rotates: bool = False


DAYS = (
    Day("one poll in twenty moves a fix", 3393, 2741, 0.05),
    Day("every poll moves every fix", 3393, 2741, 1.0),
    Day("a new id in every poll", 10_000, 1440, 0.05, rotates=True),
)


def journal_day(day: Day, layout: Layout) -> float:
    """Collect a day from bodies as they come from a feed; seconds of parsing and journalling."""
    draw = np.random.default_rng(1)
    home = draw.integers((38_000_000, -86_000_000), (39_000_000, -85_000_000), (day.vehicles, 2))
    fix = home.copy()
    ranges = draw.integers(0, 80, day.vehicles) * 500
    names = [f"{number * 7919:032x}" for number in draw.permutation(day.vehicles)]
    spent = 0.0
    directory = layout.journal(REGION.id, "feed")
    with Journal(directory, REGION.id, "feed", REGION.zone) as journal:
        for number in range(day.polls):
            moved = draw.random(day.vehicles) < day.moving
            fix[moved] = home[moved] + draw.normal(0, 45, (int(moved.sum()), 2)).astype(int)
            if day.rotates:
                names = [draw.bytes(16).hex() for _ in range(day.vehicles)]
            at = START + number * dt.timedelta(days=1) / day.polls
            body = body_of(at, names, fix, ranges)
            begun = time.perf_counter()
            parsed = parse(body)
            poll = Poll("feed", at, at, "ok", 200, 9, len(body), at, parsed.sightings.num_rows)
            journal.append(poll, parsed.sightings)
            spent += time.perf_counter() - begun
    return spent


def body_of(
    at: dt.datetime,
    names: list[str],
    fix: "np.ndarray[tuple[int, int], np.dtype[np.int64]]",
    ranges: "np.ndarray[tuple[int], np.dtype[np.int64]]",
) -> bytes:
    records = ",".join(
        f'{{"bike_id":"{name}","lat":{lat / 1e6},"lon":{lon / 1e6},"is_reserved":false,'
        f'"is_disabled":false,"vehicle_type_id":"scooter","current_range_meters":{metres},'
        f'"rental_uris":{{"android":"https://example.com/v?id={name}"}}}}'
        for name, (lat, lon), metres in zip(names, fix.tolist(), ranges.tolist(), strict=True)
    )
    head = f'{{"last_updated":{int(at.timestamp())},"ttl":60,"version":"2.3","data":{{"bikes":['
    return f"{head}{records}]}}}}".encode()


def peak_megabytes() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def seal_and_tell(root: Path) -> None:
    """The sealing process: prints its figures as JSON."""
    before, begun = peak_megabytes(), time.perf_counter()
    manifest = seal_day(REGION, DAY, Layout(root))
    seconds = time.perf_counter() - begun
    rows, size = manifest["feeds"]["feed"]["rows"], manifest["files"]["feed.parquet"]["bytes"]
    figures = {"rows": rows, "seconds": seconds, "bytes": size / rows}
    print(json.dumps(figures | {"imports": before, "peak": peak_megabytes()}))


def main() -> None:
    for day in DAYS:
        with tempfile.TemporaryDirectory() as root:
            spent = journal_day(day, Layout(Path(root)))
            command = [sys.executable, "-m", "tests.benchmarks.seal", root]
            run = subprocess.run(command, capture_output=True, text=True, check=True)
        figures = json.loads(run.stdout)
        print(
            f"{day.title}: {figures['rows']:,} sightings of {day.vehicles:,} vehicles a poll\n"
            f"  parse + journal {1000 * spent / day.polls:.1f} ms a poll, "
            f"seal {figures['seconds']:.1f} s, {figures['bytes']:.2f} bytes per sighting, "
            f"peak {figures['peak']:.0f} MB (imports {figures['imports']:.0f} MB)",
            flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        seal_and_tell(Path(sys.argv[1]))
    else:
        main()
