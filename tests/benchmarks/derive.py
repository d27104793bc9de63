"""How fast moves are found in a sealed day, against reading it, DuckDB and pandas; one run.

    python tests/benchmarks/derive.py [SIGHTINGS]      default 9.3 million, of 3,393 vehicles

A generated day: vehicles stand, one poll in twenty finds the fix of a parked one moved, and
everybody rides a few times. The file is written as sealing writes it. The targets: at most 2
times as long as reading the same columns with pyarrow, 5 times less than DuckDB's window query
(measured where duckdb is installed), 20 times less than a pandas groupby, under 500 MB.
"""

import importlib
import importlib.util
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.journal import sealing
from tasks.journal.columns import SightingColumns
from tasks.mobility.distance import haversine
from tasks.mobility.moves import COLUMNS, find_moves
from tasks.mobility.regime import measure_regime
from tasks.mobility.sealed import row_groups
from tasks.schema import POLLS, SIGHTINGS

VEHICLES = 3_393
MOVED_FIX = 1 / 20  # share of polls that find the fix of a parked vehicle elsewhere
FIX_E6 = 40  # microdegrees, some 4 m
RIDES = 3  # a vehicle's rides
RIDE_POLLS = 4
DAY_MS = 24 * 3_600_000


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
    with pq.ParquetFile(path, read_dictionary=["vehicle_id"]) as file:
        return sum(
            file.read_row_group(i, columns=list(COLUMNS)).num_rows
            for i in range(file.num_row_groups)
        )


def moves(path: Path) -> int:
    return int(find_moves(row_groups(path)).num_rows)


def regime(path: Path) -> int:
    found = measure_regime(row_groups(path), pq.read_table(polls_of(path)))
    return found.moves


def with_pandas(path: Path) -> int:
    frame = pq.read_table(path, columns=list(COLUMNS)).to_pandas()
    before = frame.groupby("vehicle_id", sort=False)[["latitude_e6", "longitude_e6"]].shift()
    distance: NDArray[np.float64] = haversine(
        before["latitude_e6"] / 1e6,
        before["longitude_e6"] / 1e6,
        frame["latitude_e6"] / 1e6,
        frame["longitude_e6"] / 1e6,
    )
    return len(frame[np.nan_to_num(distance) > 100])


def with_duckdb(path: Path) -> int:
    connection = importlib.import_module("duckdb").connect(config={"threads": 1})
    query = f"""
        with steps as (
            select radians(latitude_e6 / 1e6) as b, radians(longitude_e6 / 1e6) as m,
                   lag(b) over w as a, lag(m) over w as l
            from '{path}' window w as (partition by vehicle_id order by fetched_at)
        )
        select count(*) from steps where 12742017.6 * asin(sqrt(
            sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin((m - l) / 2) ** 2)) > 100
    """
    return int(connection.execute(query).fetchone()[0])


WAYS: dict[str, Callable[[Path], int]] = {
    "read": read,
    "moves": moves,
    "regime": regime,
    "pandas": with_pandas,
    "duckdb": with_duckdb,
}


def measure(name: str, path: Path, times: int) -> tuple[float, float, int]:
    """Best seconds, peak megabytes and result, in a process of its own."""
    command = [sys.executable, __file__, "--one", name, str(path), str(times)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(output[0]), float(output[1]), int(output[2])


def one(name: str, path: Path, times: int) -> None:
    """Measure in this process, on one thread, and print."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    seconds = []
    result = 0
    for _ in range(times):
        begin = time.perf_counter()
        result = WAYS[name](path)
        seconds.append(time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    megabytes = peak / (1e6 if sys.platform == "darwin" else 1e3)
    sys.stdout.write(f"{min(seconds)} {megabytes} {result}\n")


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
        base, memory, _ = measure("read", path, 5)
        print(f"read    {base:7.3f} s {memory:6.0f} MB")
        found, memory, moved = measure("moves", path, 5)
        print(
            f"moves   {found:7.3f} s {memory:6.0f} MB  {moved:,} moves; "
            f"{found / base:.2f} times the read (target 2)"
        )
        took, memory, _ = measure("regime", path, 3)
        print(f"regime  {took:7.3f} s {memory:6.0f} MB  {took / base:.2f} times the read")
        for name, target in (("pandas", 20), ("duckdb", 5)):
            if name == "duckdb" and importlib.util.find_spec(name) is None:
                print("duckdb  is not installed, so it is not measured")
                continue
            took, memory, same = measure(name, path, 1)
            if same != moved:
                raise SystemExit(f"{name} finds {same:,} moves, not {moved:,}")
            print(
                f"{name}  {took:7.3f} s {memory:6.0f} MB  moves are found "
                f"{took / found:.1f} times faster (target {target})"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1:2] == ["--write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
