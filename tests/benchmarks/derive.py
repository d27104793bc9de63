"""How fast trips are derived from a sealed day, against reading it, DuckDB and pandas; one run.

    python tests/benchmarks/derive.py [SIGHTINGS]      default 9.3 million, of 3,393 vehicles

A generated day: vehicles stand, one poll in twenty finds the fix of a parked one moved, and
everybody rides a few times. The file is written as sealing writes it. `derive` is all that a night
does with a feed, its id regime included; DuckDB and pandas find the moves over 100 m with both
their sightings, and no more. Both bring the sightings in order, which nothing promises them.
Each way runs in a process of its own, warm; best of several; once with one thread for pyarrow and
DuckDB and once with two (`derive` reads ahead in a thread of its own in both). The targets:
at most 2 times as long as reading the same columns with pyarrow, 5 times less than DuckDB's window
query, 20 times less than a pandas groupby, under 500 MB.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.journal import sealing
from tasks.journal.columns import SightingColumns
from tasks.mobility.distance import haversine
from tasks.mobility.pieces import COLUMNS
from tasks.mobility.sealed import trips_of_feed
from tasks.region import Region
from tasks.schema import POLLS, SIGHTINGS

VEHICLES = 3_393
MOVED_FIX = 1 / 20  # share of polls that find the fix of a parked vehicle elsewhere
FIX_E6 = 40  # microdegrees, some 4 m
RIDES = 3  # a vehicle's rides
RIDE_POLLS = 4
DAY_MS = 24 * 3_600_000
REGION = Region.model_validate(
    {
        "id": "benchmark",
        "name": "Benchmark",
        "time_zone": "Europe/Berlin",
        "service_area": [{"name": "all", "south": 52.3, "west": 10.6, "north": 52.5, "east": 11.0}],
        "feeds": [{"id": "feed", "url": "http://127.0.0.1/gbfs.json"}],
    }
)


def generate(sightings: int, seed: int = 1) -> tuple[SightingColumns, pa.Table]:
    """A day of so many sightings, and its polls."""
    generator = np.random.default_rng(seed)
    polls = -(-sightings // VEHICLES) + RIDES * RIDE_POLLS
    times = np.int64(1_780_000_000_000) + np.arange(polls) * (DAY_MS // polls)
    shown = np.ones((VEHICLES, polls), dtype=bool)
    stand = np.zeros((VEHICLES, polls), dtype=np.int32)
    for _ in range(RIDES):
        begin = generator.integers(1, polls - RIDE_POLLS - 1, VEHICLES)
        for vehicle, at in enumerate(begin):
            shown[vehicle, at : at + RIDE_POLLS] = False
            stand[vehicle, at + RIDE_POLLS :] += 1
    shown.ravel()[np.flatnonzero(shown)[sightings:]] = False
    moved = generator.random((VEHICLES, polls)) < MOVED_FIX
    columns = {}
    for name, base in (("latitude", 52_400_000), ("longitude", 10_800_000)):
        corner = base + generator.integers(-50_000, 50_000, (VEHICLES, RIDES + 1))
        fix = generator.integers(-FIX_E6, FIX_E6 + 1, (VEHICLES, polls)) * moved
        place = np.take_along_axis(corner, stand, axis=1) + fix
        columns[name] = place[shown].astype(np.int32)
    counts = shown.sum(axis=1)
    range_m = 30_000 - 1_000 * stand[shown].astype(np.int32)
    nothing = np.full(len(range_m), -1)
    table = SightingColumns(
        ids=[f"{vehicle:032x}" for vehicle in range(VEHICLES)],
        ends=np.cumsum(counts),
        fetched_at=times,
        types=[],
        poll=np.nonzero(shown)[1].astype(np.int32),
        reserved=np.zeros(len(range_m), np.int8),
        disabled=np.zeros(len(range_m), np.int8),
        type=nothing.astype(np.int32),
        range=range_m,
        **columns,
    )
    rows = [
        {
            "feed": "feed",
            "due_at": at,
            "fetched_at": at,
            "outcome": "ok",
            "status": 200,
            "latency_ms": 10,
            "bytes": 1,
            "last_updated": at,
            "vehicles": 1,
            "quarantined": [],
        }
        for at in times.tolist()
    ]
    return table, pa.Table.from_pylist(rows, schema=POLLS.arrow())


def write(path: Path, sightings: int) -> int:
    """Write the day and its polls; the number of sightings."""
    columns, polls = generate(sightings)
    with pq.ParquetWriter(
        path,
        SIGHTINGS.arrow(),
        use_dictionary=sealing._DICTIONARIES,
        column_encoding=sealing._ENCODINGS,
        **sealing._COMPRESSION,
    ) as writer:
        for table in columns.tables():
            writer.write_table(table, row_group_size=max(table.num_rows, 1))
    pq.write_table(polls, polls_of(path))
    return columns.rows


def polls_of(path: Path) -> Path:
    return path.with_suffix(".polls.parquet")


def read(path: Path) -> int:
    """What any answer needs at least: the columns, row group by row group."""
    with pq.ParquetFile(path, read_dictionary=["vehicle_id", "vehicle_type_id"]) as file:
        groups = (file.read_row_group(i, list(COLUMNS)) for i in range(file.num_row_groups))
        return sum(group.num_rows for group in groups)


def derive(path: Path) -> int:
    """All that a night derives of a feed: moves, flags, sensitivities and the id regime."""
    found = trips_of_feed(path.parent, path.parent / "none", REGION.feeds[0], REGION)
    if (found.regime.regime, found.regime.moves) != ("static", found.table.num_rows):
        raise SystemExit(f"the day is static, and measured otherwise: {found.regime.sentence}")
    return int(found.table.num_rows)


def with_pandas(path: Path) -> int:
    frame = pd.read_parquet(path, columns=list(COLUMNS))
    frame = frame.sort_values(["vehicle_id", "fetched_at"])
    before = frame.groupby("vehicle_id", sort=False).shift()
    distance: NDArray[np.float64] = haversine(
        before["latitude_e6"] / 1e6,
        before["longitude_e6"] / 1e6,
        frame["latitude_e6"] / 1e6,
        frame["longitude_e6"] / 1e6,
    )
    far = np.nan_to_num(distance) > 100
    return len(pd.concat([before[far].add_prefix("start_"), frame[far]], axis=1))


def with_duckdb(path: Path) -> int:
    connection = duckdb.connect(config={"threads": pa.cpu_count()})
    before = ", ".join(f"lag({name}) over vehicle as start_{name}" for name in COLUMNS)
    query = f"""
        with steps as (
            select {", ".join(COLUMNS)}, {before}
            from '{path}' window vehicle as (partition by vehicle_id order by fetched_at)
        ), places as (
            select *, radians(start_latitude_e6 / 1e6) as a, radians(latitude_e6 / 1e6) as b,
                radians((longitude_e6 - start_longitude_e6) / 1e6) as l
            from steps
        )
        select * from places where 12742017.6 * asin(sqrt(
            sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(l / 2) ** 2)) > 100
    """
    return int(connection.sql(query).to_arrow_table().num_rows)


WAYS: dict[str, Callable[[Path], int]] = {
    "read": read,
    "derive": derive,
    "pandas": with_pandas,
    "duckdb": with_duckdb,
}


class Measured(NamedTuple):
    """What one way took, best of several, and what it found."""

    seconds: float
    processor_seconds: float
    megabytes: float
    result: int

    def line(self, name: str) -> str:
        return (
            f"{name:7} {self.seconds:7.3f} s {self.processor_seconds:7.3f} s of processor "
            f"{self.megabytes:6.0f} MB"
        )

    def over(self, other: "Measured") -> str:
        """How many times as long as another, also by processor time: others use the machine."""
        return (
            f"{self.seconds / other.seconds:.2f} times "
            f"({self.processor_seconds / other.processor_seconds:.2f} by processor time)"
        )


def measure(name: str, path: Path, times: int, threads: int) -> Measured:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--one", name, str(path), str(times), str(threads)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    seconds, processor_seconds, megabytes = map(float, output[:3])
    return Measured(seconds, processor_seconds, megabytes, int(output[3]))


def one(name: str, path: Path, times: int, threads: int) -> None:
    """Measure in this process and print."""
    pa.set_cpu_count(threads)
    pa.set_io_thread_count(threads)
    WAYS[name](path)  # the file is in memory and libraries are loaded
    seconds, processor = [], []
    for _ in range(times):
        begin, begun = time.perf_counter(), time.process_time()
        result = WAYS[name](path)
        seconds.append(time.perf_counter() - begin)
        processor.append(time.process_time() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    megabytes = peak / (1e6 if sys.platform == "darwin" else 1e3)
    sys.stdout.write(f"{min(seconds)} {min(processor)} {megabytes} {result}\n")


def main() -> None:
    sightings = int(sys.argv[1]) if len(sys.argv) > 1 else 9_300_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feed.parquet"
        # what this process had used before, the ones it starts would report as their peak
        command = [sys.executable, __file__, "--write", str(path), str(sightings)]
        subprocess.run(command, check=True)
        rows = pq.read_metadata(path).num_rows
        size = path.stat().st_size / rows
        print(f"{rows:,} sightings of {VEHICLES:,} vehicles, {size:.2f} bytes each")
        for threads in (1, 2):
            compare(path, threads)


def compare(path: Path, threads: int) -> None:
    """Measure every way and print the ratios."""
    base, ours = (measure(name, path, 15, threads) for name in ("read", "derive"))
    print(f"threads: {threads}")
    print(base.line("read"))
    print(f"{ours.line('derive')} (target 500)  {ours.result:,} moves")
    print(f"        derive takes {ours.over(base)} the read (target 2)")
    for name, target in (("duckdb", 5), ("pandas", 20)):
        other = measure(name, path, 3, threads)
        if other.result != ours.result:
            raise SystemExit(f"{name} finds {other.result:,} moves, not {ours.result:,}")
        print(f"{other.line(name)}")
        print(f"        {name} takes {other.over(ours)} derive (target {target})")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]), *map(int, sys.argv[4:6]))
    elif sys.argv[1:2] == ["--write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
