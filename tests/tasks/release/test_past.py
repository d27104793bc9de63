import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.region import Region
from tasks.release.bundle import publish_first
from tasks.release.manifest import PublicManifest
from tasks.release.past import MOST_DAYS, WITHIN_DAYS, comparable_days, past_days
from tasks.release.withdrawal import WITHDRAWAL

WEDNESDAY = dt.date(2026, 5, 20)


def before(*days: int) -> list[dt.date]:
    return [WEDNESDAY - dt.timedelta(days=each) for each in days]


@given(st.lists(st.integers(-40, 40), unique=True), st.integers(0, 6))
def test_days_are_earlier_recent_and_of_one_kind_where_there_are_some(
    offsets: list[int], later: int
) -> None:
    day = WEDNESDAY + dt.timedelta(days=later)
    found = comparable_days([day + dt.timedelta(days=each) for each in offsets], day)
    ages = [(day - each).days for each in found]
    assert ages == sorted(ages)
    possible = {-each for each in offsets if 0 < -each <= WITHIN_DAYS}
    assert {*ages} <= possible
    kinds = {each.weekday() >= 5 for each in found}
    assert kinds <= {day.weekday() >= 5} or {*ages} == possible
    assert bool(found) == bool(possible)


@pytest.fixture
def releases(
    region: Region,
    make_rows: Callable[[Region, int], pa.Table],
    make_manifest: Callable[..., PublicManifest],
    tmp_path: Path,
) -> Callable[[dt.date], Path]:
    """The folder of a day's revisions; the three days before are published."""
    for age in (1, 2, 3):
        publish_first(
            tmp_path / before(age)[0].isoformat(),
            {"trips": make_rows(region, 100 * age)},
            lambda files: make_manifest(region, files=files),
        )
    return lambda day: tmp_path / day.isoformat()


def test_rows_of_published_days_are_read(releases: Callable[[dt.date], Path]) -> None:
    said: list[str] = []
    past = past_days(before(1, 2, 3, 4), releases, ["trips"], said.append)
    assert [(each.day, each.tables["trips"].num_rows) for each in past] == [
        (day, 100 * age) for age, day in zip((1, 2, 3), before(1, 2, 3), strict=True)
    ]
    assert past_days(before(1), releases, ["starts", "ends"], said.append) == []
    assert said == []
    many = [*before(1, 2, 3)] * 5
    assert len(past_days(many, releases, ["trips"], said.append)) == MOST_DAYS


def test_a_withdrawn_day_and_an_altered_one_are_left_out(
    releases: Callable[[dt.date], Path],
) -> None:
    withdrawal = {
        "kind": "withdrawal",
        "region": "town",
        "service_day": before(1)[0].isoformat(),
        "revision": 1,
        "manifest_sha256": "ab" * 32,
        "reason": "why",
        "at": "2026-05-25T00:00:00Z",
        "inherited_by": [],
    }
    (releases(before(1)[0]) / "r1" / WITHDRAWAL).write_text(json.dumps(withdrawal))
    (releases(before(2)[0]) / "r1" / "trips.parquet").write_bytes(b"altered")
    said: list[str] = []
    past = past_days(before(1, 2, 3), releases, ["trips"], said.append)
    assert [each.day for each in past] == before(3)
    assert len(said) == 1
    assert said[0].startswith("2026-05-18 is not compared with: ")
    assert "trips.parquet" in said[0]
