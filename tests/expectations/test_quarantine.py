import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import expectations.quarantine as module
from expectations import sightings as sightings_suites
from expectations import trips as trips_suites
from expectations.errors import CheckError
from expectations.quarantine import Findings, quarantine
from tasks.files import read_manifest, verify_files, write_manifest
from tasks.region import Region

Make = Callable[[int], pa.Table]
Put = Callable[[pa.Table, str, Any], pa.Table]
ROOT = Path(__file__).parents[2]
LATITUDE = "expect_column_values_to_be_between(latitude_e6)"
LONGITUDE = "expect_column_values_to_be_between(longitude_e6)"


def store(directory: Path, table: pa.Table, row_group_size: int = 40) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, directory / "feed.parquet", row_group_size=row_group_size)
    write_manifest(directory, {"kind": "sightings"}, ["feed.parquet"])
    return directory


def run(directory: Path) -> Findings:
    suites = sightings_suites.schema_suite(), sightings_suites.row_suite()
    return quarantine(directory, "feed.parquet", *suites)


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_clean_file_is_left_alone(tmp_path: Path, sightings: Make) -> None:
    directory = store(tmp_path / "day", sightings(100))
    before = content(directory)
    assert run(directory) == Findings(100, 0, {})
    assert content(directory) == before


def test_a_file_without_rows_is_left_alone(tmp_path: Path, sightings: Make) -> None:
    assert run(store(tmp_path / "day", sightings(0))) == Findings(0, 0, {})


def test_broken_rows_go_aside_and_the_rest_stays_as_it_was(
    tmp_path: Path, sightings: Make, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_ROWS", 15)  # three batches to a row group
    table = put(sightings(100), "latitude_e6", {7: 91_000_000, 99: -91_000_000})
    table = put(table, "longitude_e6", {7: 181_000_000, 35: 200_000_000})
    directory = store(tmp_path / "day", table)
    assert run(directory) == Findings(100, 3, {LATITUDE: 2, LONGITUDE: 2})

    keep = [i for i in range(100) if i not in (7, 35, 99)]
    kept = pq.ParquetFile(directory / "feed.parquet")
    assert kept.read().equals(table.take(keep))
    assert kept.schema_arrow.equals(table.schema, check_metadata=True)
    groups = [kept.metadata.row_group(i).num_rows for i in range(kept.num_row_groups)]
    assert groups == [38, 40, 19]
    aside = pq.read_table(directory / "feed.quarantine.parquet")
    assert aside.drop(["reason"]).equals(table.take([7, 35, 99]))
    assert aside["reason"].to_pylist() == [f"{LATITUDE}; {LONGITUDE}", LONGITUDE, LATITUDE]
    manifest = read_manifest(directory)
    assert manifest is not None
    assert (manifest["kind"], manifest["files"]) == ("sightings", {})


def test_every_row_can_be_broken(tmp_path: Path, sightings: Make) -> None:
    table = sightings(50)
    table = table.set_column(2, table.schema.field(2), pa.array([91_000_000] * 50, pa.int32()))
    directory = store(tmp_path / "day", table)
    assert run(directory) == Findings(50, 50, {LATITUDE: 50})
    assert pq.read_metadata(directory / "feed.parquet").num_rows == 0
    assert run(directory) == Findings(50, 50, {LATITUDE: 50})


def test_columns_of_another_version_stop_the_step_and_show_no_row(
    tmp_path: Path, sightings: Make
) -> None:
    directory = store(tmp_path / "day", sightings(5).drop(["is_reserved"]))
    with pytest.raises(CheckError, match="columns_to_match_ordered_list") as caught:
        run(directory)
    assert "vehicle-0" not in str(caught.value)


KILLED = """
import os, signal, sys
from pathlib import Path
import tasks.files.atomic
from expectations import sightings
from expectations.quarantine import quarantine
left, directory = int(sys.argv[1]), Path(sys.argv[2])
real = Path.replace
def replace(self, target):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return real(self, target)
Path.replace = replace
quarantine(directory, "feed.parquet", sightings.schema_suite(), sightings.row_suite())
"""


@pytest.mark.parametrize(
    "renames_before",
    [pytest.param(0, marks=pytest.mark.slow), pytest.param(1, marks=pytest.mark.slow), 2],
)
def test_a_killed_run_leaves_whole_files_and_the_next_completes_it(
    renames_before: int, tmp_path: Path, sightings: Make, put: Put
) -> None:
    table = put(sightings(100), "latitude_e6", {7: 91_000_000, 99: -91_000_000})
    directory, whole = store(tmp_path / "day", table), store(tmp_path / "whole", table)
    killed = subprocess.run(
        [sys.executable, "-B", "-c", KILLED, str(renames_before), str(directory)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    manifest = json.loads((directory / "manifest.json").read_bytes())
    verify_files(directory, manifest)
    assert pq.read_table(directory / "feed.parquet").num_rows in (98, 100)

    assert run(directory) == run(whole) == Findings(100, 2, {LATITUDE: 2})
    for name in ("feed.parquet", "feed.quarantine.parquet"):
        assert pq.read_table(directory / name).equals(pq.read_table(whole / name))


@pytest.mark.slow
@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    broken=st.dictionaries(
        st.integers(0, 11),
        st.sampled_from([("hour", 24), ("area", "nowhere"), ("distance_m", 99.0), ("feed", "x")]),
    ),
    added=st.integers(0, 11),
)
def test_the_quarantine_of_trips_looks_at_one_row_at_a_time(
    broken: dict[int, tuple[str, Any]],
    added: int,
    region: Region,
    moves: Make,
    put: Put,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """f(D + r) = f(D) + f(r), as multisets."""
    table = moves(12)
    for row, (column, value) in broken.items():
        table = put(table, column, {row: value})

    def kept(rows: pa.Table) -> list[dict[str, Any]]:
        directory = store(tmp_path_factory.mktemp("day"), rows)
        suites = trips_suites.schema_suite(), trips_suites.row_suite(region)
        quarantine(directory, "feed.parquet", *suites)
        rows_left: list[dict[str, Any]] = pq.read_table(directory / "feed.parquet").to_pylist()
        return rows_left

    others = table.filter(pc.not_equal(table["vehicle_id"], f"vehicle-{added}"))
    alone = table.slice(added, 1)
    both = kept(others) + kept(alone)
    assert sorted(map(repr, kept(table))) == sorted(map(repr, both))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from Linux's /proc")
def test_memory_does_not_grow_with_the_day(tmp_path: Path, sightings: Make) -> None:
    table = sightings(1_000_000)
    few = peak_memory_kb(tmp_path / "few", table, times=2)
    many = peak_memory_kb(tmp_path / "many", table, times=12)
    assert many < 2 * few  # for six times the rows


def peak_memory_kb(directory: Path, table: pa.Table, times: int) -> int:
    """Peak memory of a process that sets aside rows of a table written so many times over."""
    directory.mkdir()
    with pq.ParquetWriter(directory / "feed.parquet", table.schema) as writer:
        for _ in range(times):
            writer.write_table(table, row_group_size=1_000_000)
    write_manifest(directory, {}, ["feed.parquet"])
    # VmHWM, not ru_maxrss, which a child takes over from the process that started it
    code = (
        "import re, sys\nfrom pathlib import Path\n"
        "from expectations import sightings\nfrom expectations.quarantine import quarantine\n"
        "print(quarantine(Path(sys.argv[1]), 'feed.parquet', sightings.schema_suite(), "
        "sightings.row_suite()).rows)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(directory)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    rows, peak = map(int, run.stdout.split())
    assert rows == times * table.num_rows
    return peak
