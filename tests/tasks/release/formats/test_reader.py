"""A reader who has the published files and the README, and nothing else."""

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.mobility.distance import haversine
from tasks.region import Region
from tasks.schema import RELEASE

README = (Path(__file__).parents[4] / "README.md").read_text(encoding="utf-8")
CHAPTER = README.partition("## Use a release\n")[2].partition("\n## ")[0]
PANDAS = re.findall(r"```python\n(.*?)```", CHAPTER, re.DOTALL)
SQL = re.findall(r"```sql\n(.*?)```", CHAPTER, re.DOTALL)

pytestmark = pytest.mark.parametrize("kind", ["trips"], indirect=True)


@pytest.fixture
def rows(region: Region, make_rows: Callable[[Region, int], pa.Table]) -> dict[str, pa.Table]:
    """A day on which every third trip is a short one."""
    trips = make_rows(region, 500).to_pandas()
    short = trips.index % 3 == 0
    for axis, step in (("latitude", 0.004), ("longitude", 0.0)):
        trips.loc[short, f"destination_{axis}"] = (trips[f"origin_{axis}"] + step).round(6)
    ends = [trips[name].to_numpy() for name in RELEASE.names[2:6]]
    return {"trips": pa.Table.from_pandas(trips.assign(distance_m=haversine(*ends)))}


@pytest.fixture
def said(release: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What each piece of pandas prints, run in the folder of a release."""
    monkeypatch.chdir(release)
    printed = []
    for piece in PANDAS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(piece, {"pd": pd})
        printed.append(out.getvalue())
    return printed


@pytest.fixture
def found(release: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[object, ...]]]:
    """What each piece of SQL finds there."""
    monkeypatch.chdir(release)
    with duckdb.connect() as connection:
        return [connection.execute(piece).fetchall() for piece in SQL]


def test_both_ways_give_the_same_answers(
    release: Path, said: list[str], found: list[list[tuple[object, ...]]]
) -> None:
    assert len(said) == len(found) == 3
    assert all(len(piece.splitlines()) == 3 for piece in PANDAS)
    trips = pq.read_table(release / "trips.parquet").to_pandas()

    counts = [int(line.split()[-1]) for line in said[0].splitlines()[1:]]
    assert counts == [count for *_, count in found[0]]
    busiest = trips.groupby(
        [
            (trips[f"{end}_{axis}"] * 1e6).round() // 1e4
            for end in ("origin", "destination")
            for axis in ("latitude", "longitude")
        ]
    ).size()
    assert counts == sorted(busiest, reverse=True)[:10]

    ((hour, number),) = found[1]
    assert said[1] == f"{hour}:00, {number} trips\n"
    morning = trips["hour"][trips["hour"].between(5, 11)].value_counts()
    assert number == morning.max()

    ((share,),) = found[2]
    assert isinstance(share, float)
    assert said[2] == f"{share:.1%}\n"
    assert 0 < share == (trips["distance_m"] < 1000).mean() < 1


def test_every_file_of_a_release_is_in_the_chapter(release: Path) -> None:
    named = set(re.findall(r"`([\w.]+)`", CHAPTER))
    published = {path.name for path in release.iterdir()} - {"intervals.parquet"}
    assert published <= named
