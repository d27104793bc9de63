"""The sampler as a reader of the dataset has it: a file, a Python, nothing of this project."""

import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tasks.region import Box
from tasks.region.ways import WAYS, Lines, Ways
from tasks.release.sampler import SAMPLER, sampler_archive
from tasks.schema import RELEASE, RELEASE_ENDS, RELEASE_STARTS, Table
from tasks.synthesis.snapping import snap_tables
from tasks.synthesis.trip_ends import save_field as save_ends
from tasks.synthesis.trip_ends.sampling import sample as sample_ends
from tasks.synthesis.trip_ends.tables import Kind
from tasks.synthesis.trip_field import Field, save_field
from tasks.synthesis.trip_field.sampling import sample
from tests.tasks.synthesis.trip_ends.conftest import random_field as random_ends
from tests.tasks.synthesis.trip_field.conftest import random_field

HEAVY = ("tensorflow", "dp_accounting", "prefect", "scipy", "yaml", "great_expectations")


@pytest.fixture(scope="module")
def field() -> Field:
    return random_field(Box(name="town", south=50.0, west=8.0, north=50.08, east=8.07), 0)


@pytest.fixture(scope="module")
def release(field: Field, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("release")
    save_field(directory, field)
    (directory / SAMPLER).write_bytes(sampler_archive())
    return directory


def draw(release: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the sampler in a Python that cannot see this project."""
    return subprocess.run(
        [sys.executable, "-I", str(release / SAMPLER), *arguments],
        cwd=release,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_draws_the_rows_that_we_draw(release: Path, field: Field) -> None:
    said = draw(release, "500", "--seed", "7")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == "more_trips.parquet: 500 rows\n"
    table = pq.read_table(release / "more_trips.parquet")
    assert table.schema.equals(RELEASE.arrow())
    assert table.equals(sample(field, 500, np.random.default_rng(7)))


def test_it_moves_ends_to_the_roads_and_docks_of_the_release(field: Field, tmp_path: Path) -> None:
    save_field(tmp_path, field)
    (tmp_path / SAMPLER).write_bytes(sampler_archive())
    roads = Lines.of(
        [((8.0 + 0.005 * step, 50.0), (8.0 + 0.005 * step, 50.08)) for step in range(15)]
    )
    ways = Ways(120, {"town": roads})
    (tmp_path / WAYS).write_bytes(ways.packed())
    assert draw(tmp_path, "500", "--seed", "7").stdout == "more_trips.parquet: 500 rows\n"
    drawn = sample(field, 500, np.random.default_rng(7))
    snapped = snap_tables(field.lattice.boxes, ways, {"trips": drawn})
    assert 300 < snapped.moved < 1000
    assert pq.read_table(tmp_path / "more_trips.parquet").equals(snapped.tables["trips"])
    (tmp_path / WAYS).write_bytes(b"")
    said = draw(tmp_path, "5")
    assert said.returncode == 1
    assert said.stderr.startswith(f"{tmp_path / WAYS}: not the roads and docks of a release")
    assert said.stderr.count("\n") == 1


def test_it_writes_csv_and_needs_nothing_heavy(release: Path) -> None:
    code = (
        "import runpy, sys; sys.argv = ['sampler.pyz', '30', '--out', 'rows.csv', '--field', '.']\n"
        "try: runpy.run_path('sampler.pyz', run_name='__main__')\n"
        f"finally: print([name for name in {HEAVY} if name in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=release, capture_output=True, text=True, check=True
    )
    assert said.stdout == "rows.csv: 30 rows\n[]\n"
    assert pyarrow.csv.read_csv(release / "rows.csv").column_names == list(RELEASE.names)


@pytest.mark.parametrize(
    ("arguments", "kind", "schema"),
    [
        ((), "start", RELEASE_STARTS),
        (("--table", "starts"), "start", RELEASE_STARTS),
        (("--table", "ends"), "end", RELEASE_ENDS),
    ],
)
def test_it_draws_the_starts_and_ends_that_we_draw(
    arguments: tuple[str, ...], kind: Kind, schema: Table, tmp_path: Path
) -> None:
    field = random_ends((Box(name="town", south=50.0, west=8.0, north=50.08, east=8.07),), 0)
    save_ends(tmp_path, field)
    (tmp_path / SAMPLER).write_bytes(sampler_archive())
    said = draw(tmp_path, "500", "--seed", "7", *arguments)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == f"more_{kind}s.parquet: 500 rows\n"
    table = pq.read_table(tmp_path / f"more_{kind}s.parquet")
    assert table.schema.equals(schema.arrow())
    assert table.equals(sample_ends(field, kind, np.random.default_rng(7), 500))
    refused = draw(tmp_path, "5", "--table", "trips")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "a density of starts and ends, not of trips" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("-1",), "rows must not be negative"),
        (("many",), "invalid int value"),
        (("5", "--out", "rows.xlsx"), "must end in .parquet or .csv"),
        (("5", "--field", "nowhere"), "nowhere"),
        (("5", "--table", "starts"), "a density of trips, not of starts"),
    ],
)
def test_bad_input_gets_one_line(release: Path, arguments: tuple[str, ...], text: str) -> None:
    said = draw(release, *arguments)
    assert said.returncode > 0
    assert text in said.stderr.splitlines()[-1]
    assert "Traceback" not in said.stderr


def test_the_archive_is_the_same_every_time_and_small() -> None:
    archive = sampler_archive()
    assert archive == sampler_archive()
    assert len(archive) < 100_000
    with zipfile.ZipFile(BytesIO(archive)) as files:
        names = files.namelist()
    assert "tasks/synthesis/trip_field/sampling.py" in names
    assert not [name for name in names if "privacy" in name or "fit" in name or "journal" in name]
