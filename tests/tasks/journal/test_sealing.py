import datetime as dt
import fcntl
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.files import FileError, Layout, read_manifest
from tasks.files.manifest import MANIFEST
from tasks.journal import (
    Journal,
    JournalError,
    NothingCollectedError,
    Poll,
    columns,
    renamed,
    seal_day,
)
from tasks.region import Region
from tasks.schema import POLLS, SIGHTINGS
from tests.conftest import Show
from tests.tasks.conftest import DAY, region_of
from tests.tasks.journal.conftest import poll, sightings

REGION = region_of("http://a.example/")
FILES = {"feed.parquet", "feed.polls.parquet", "feed.vehicle_types.parquet"}
Content = list[tuple[Poll, pa.RecordBatch | None]]


def journal_of(layout: Layout, region: Region, content: Content, feed: str = "feed") -> None:
    directory = layout.journal(region.id, feed)
    with Journal(directory, region.id, feed, region.zone) as journal:
        for each, batch in content:
            journal.append(each, batch)


def some_hour() -> Content:
    """An hour of polls in which vehicles come and go, some polls fail and some bring no news."""
    draw = random.Random(7)
    content: Content = []
    for minute in range(60):
        if minute in (20, 21):
            content.append((poll(minute, outcome="timeout", status=None), None))
        elif minute % 10 == 9:
            content.append((poll(minute, outcome="not_modified", status=304), None))
        else:
            ids = draw.sample([f"vehicle-{i:02d}" for i in range(30)], draw.randint(0, 30))
            quarantined = {"null_island": 1} if minute == 3 else {}
            content.append(
                (poll(minute, len(ids), quarantined=quarantined), sightings(ids, minute))
            )
    return content


def expected_rows(content: Content) -> list[dict[str, Any]]:
    rows = [
        row | {"fetched_at": each.fetched_at}
        for each, batch in content
        if batch is not None
        for row in batch.to_pylist()
    ]
    return sorted(rows, key=lambda row: (row["vehicle_id"], row["fetched_at"]))


def sealed_table(layout: Layout, feed: str = "feed") -> pa.Table:
    return pq.read_table(layout.sightings("test", DAY) / f"{feed}.parquet")


def test_the_sealed_day_holds_every_sighting_once_in_order(layout: Layout) -> None:
    content = some_hour()
    journal_of(layout, REGION, content)
    manifest = seal_day(REGION, DAY, layout)
    table = sealed_table(layout)
    assert table.to_pylist() == [
        {name: row[name] for name in SIGHTINGS.names} for row in expected_rows(content)
    ]
    assert table.schema.equals(SIGHTINGS.arrow(), check_metadata=True)
    polls = pq.read_table(layout.sightings("test", DAY) / "feed.polls.parquet")
    assert polls.schema.names == list(POLLS.names)
    assert polls.schema.metadata == POLLS.arrow().metadata
    assert polls["outcome"].to_pylist() == [each.outcome for each, _ in content]
    assert pa.compute.sum(polls["vehicles"]).as_py() == table.num_rows
    assert manifest["feeds"]["feed"]["rows"] == table.num_rows


def test_the_manifest_says_what_was_seen_and_what_was_not(layout: Layout) -> None:
    content = some_hour()
    journal_of(layout, REGION, content)
    manifest = seal_day(REGION, DAY, layout)
    assert manifest == read_manifest(layout.sightings("test", DAY))
    assert {key: manifest[key] for key in ("kind", "region", "service_day", "start", "end")} == {
        "kind": "sightings",
        "region": "test",
        "service_day": "2026-05-20",
        "start": "2026-05-20T00:00:00+00:00",
        "end": "2026-05-21T00:00:00+00:00",
    }
    assert set(manifest["files"]) == FILES
    rows = expected_rows(content)
    assert manifest["feeds"]["feed"] == {
        "rows": len(rows),
        "vehicles": len({row["vehicle_id"] for row in rows}),
        "polls": 60,
        "outcomes": {"not_modified": 6, "ok": 52, "timeout": 2},
        "due": 1440,
        "coverage": 58 / 1440,
        "first_fetched_at": "2026-05-20T00:00:00+00:00",
        "last_fetched_at": "2026-05-20T00:59:00+00:00",
        "gaps": [
            ["2026-05-20T00:19:00+00:00", "2026-05-20T00:22:00+00:00"],
            ["2026-05-20T00:59:00+00:00", "2026-05-21T00:00:00+00:00"],
        ],
        "longest_gap_seconds": 23 * 3600 + 60,
        "skew_seconds": 0.0,
        "stale": [],
        "clock_steps": [],
        "quarantined": {"null_island": 1},
        "vehicle_types": 0,
        "damaged": [],
    }


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_sealing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    content = some_hour()
    sealed = []
    for name in ("a", "b"):
        layout = Layout(tmp_path / name)
        # in one segment and in many
        for part in [content] if name == "a" else [content[i : i + 7] for i in range(0, 60, 7)]:
            journal_of(layout, REGION, part)
        seal_day(REGION, DAY, layout)
        sealed.append(contents(layout.sightings("test", DAY)))
    assert sealed[0] == sealed[1]
    assert set(sealed[0]) == {*FILES, MANIFEST}


def test_a_sealed_day_stays_as_it_is(layout: Layout) -> None:
    journal_of(layout, REGION, [(poll(0, 1), sightings(["a"]))])
    first = seal_day(REGION, DAY, layout)
    journal_of(layout, REGION, [(poll(1, 1), sightings(["b"]))])
    assert seal_day(REGION, DAY, layout) == first
    assert sealed_table(layout).num_rows == 1


def test_a_sealed_day_that_was_changed_is_told(layout: Layout) -> None:
    journal_of(layout, REGION, [(poll(0, 1), sightings(["a"]))])
    seal_day(REGION, DAY, layout)
    path = layout.sightings("test", DAY) / "feed.parquet"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(FileError, match="differs from the SHA-256"):
        seal_day(REGION, DAY, layout)


@pytest.mark.parametrize(
    ("day", "hours"), [(dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25)]
)
def test_days_on_which_the_clocks_change(layout: Layout, day: dt.date, hours: int) -> None:
    region = REGION.model_copy(update={"time_zone": "Europe/Berlin"})
    start = dt.datetime.combine(day, dt.time(), ZoneInfo("Europe/Berlin")).astimezone(dt.UTC)
    directory = layout.journal("test", "feed")
    with Journal(directory, "test", "feed", region.zone) as journal:
        for minute in range(-60, hours * 60 + 60):
            at = start + dt.timedelta(minutes=minute)
            journal.append(Poll("feed", at, at, "ok", 200, vehicles=1), sightings(["a"]))
    facts = seal_day(region, day, layout)["feeds"]["feed"]
    assert (facts["due"], facts["rows"], facts["coverage"]) == (hours * 60, hours * 60, 1)
    assert facts["gaps"] == []
    assert facts["longest_gap_seconds"] == 0


def test_a_day_of_which_nothing_was_collected_is_not_sealed(layout: Layout) -> None:
    with pytest.raises(NothingCollectedError, match="nothing was collected on 2026-05-20"):
        seal_day(REGION, DAY, layout)
    journal_of(layout, REGION, [(poll(0, outcome="timeout"), None), (poll(2000), None)])
    with pytest.raises(NothingCollectedError, match="there are polls of 2026-05-21") as raised:
        seal_day(REGION, DAY, layout)
    assert "\n" not in str(raised.value)
    assert not list(layout.sightings("test", DAY).parent.iterdir())


def test_an_empty_feed_was_seen(layout: Layout) -> None:
    journal_of(layout, REGION, [(poll(minute), sightings([])) for minute in range(3)])
    facts = seal_day(REGION, DAY, layout)["feeds"]["feed"]
    assert (facts["rows"], facts["vehicles"], facts["coverage"]) == (0, 0, 3 / 1440)
    assert sealed_table(layout).schema == SIGHTINGS.arrow()


def test_a_feed_that_was_never_seen_is_one_gap_beside_the_others(layout: Layout) -> None:
    region = region_of("http://a.example/", "http://b.example/")
    journal_of(layout, region, [(poll(0, 1), sightings(["a"]))])
    facts = seal_day(region, DAY, layout)["feeds"]
    assert facts["feed"]["rows"] == 1
    assert (facts["feed-1"]["rows"], facts["feed-1"]["coverage"]) == (0, 0)
    assert facts["feed-1"]["longest_gap_seconds"] == 24 * 3600
    assert sealed_table(layout, "feed-1").num_rows == 0


def test_a_journal_of_another_region_is_not_sealed(layout: Layout) -> None:
    journal_of(layout, REGION, [(poll(0, 1), sightings(["a"]))])
    layout.journal("test", "feed").parent.parent.rename(layout.root / "private" / "other")
    other = REGION.model_copy(update={"id": "other"})
    with pytest.raises(JournalError, match="this journal has region 'test', not 'other'"):
        seal_day(other, DAY, layout)


def test_damage_is_named_and_becomes_a_gap(layout: Layout) -> None:
    journal_of(layout, REGION, [(poll(minute, 1), sightings(["a"])) for minute in range(9)])
    segment = layout.journal("test", "feed") / DAY.isoformat() / "000001.segment"
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    journal_of(layout, REGION, [(poll(minute, 1), sightings(["a"])) for minute in (9, 10)])
    facts = seal_day(REGION, DAY, layout)["feeds"]["feed"]
    (name,) = facts["damaged"]
    assert name.startswith("000001.damaged-at-")
    assert facts["polls"] == facts["rows"] == 6
    assert facts["gaps"][0] == ["2026-05-20T00:03:00+00:00", "2026-05-20T00:09:00+00:00"]


def test_two_seals_at_once(layout: Layout) -> None:
    journal_of(layout, REGION, [(poll(0, 1), sightings(["a"]))])
    staged = layout.sightings("test", DAY).with_name(f".{DAY}.sealing")
    staged.mkdir(parents=True)
    (staged / "left.parquet").write_text("by a seal that was killed")
    lock = os.open(staged, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(JournalError, match="another process is sealing this day"):
        seal_day(REGION, DAY, layout)
    os.close(lock)
    seal_day(REGION, DAY, layout)
    assert set(contents(layout.sightings("test", DAY))) == {*FILES, MANIFEST}
    assert not staged.exists()


def test_a_directory_that_no_seal_made_is_left_alone(layout: Layout) -> None:
    journal_of(layout, REGION, [(poll(0, 1), sightings(["a"]))])
    layout.sightings("test", DAY).mkdir(parents=True)
    with pytest.raises(JournalError, match="has no manifest"):
        seal_day(REGION, DAY, layout)


def test_no_vehicle_is_in_two_row_groups(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "ROW_GROUP_ROWS", 100)
    content = some_hour()
    journal_of(layout, REGION, content)
    seal_day(REGION, DAY, layout)
    with pq.ParquetFile(layout.sightings("test", DAY) / "feed.parquet") as file:
        groups = [file.read_row_group(i) for i in range(file.num_row_groups)]
    assert len(groups) > 3
    ids = [set(group["vehicle_id"].to_pylist()) for group in groups]
    assert sum(map(len, ids)) == len(set().union(*ids))
    assert pa.concat_tables(groups).to_pylist() == [
        {name: row[name] for name in SIGHTINGS.names} for row in expected_rows(content)
    ]


@pytest.mark.parametrize("limits", [(1 << 20, 200), (100, 1 << 24)])
def test_a_day_too_large_to_hold_at_once_is_sealed_in_parts(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int]
) -> None:
    monkeypatch.setattr(columns, "MAX_IDS", limits[0])
    monkeypatch.setattr(columns, "MAX_ROWS", limits[1])
    monkeypatch.setattr(columns, "ROW_GROUP_ROWS", 100)
    monkeypatch.setattr(renamed, "MAX_BYTES", 20_000)
    content = some_hour()
    # and from noon on a new id in each poll, as a feed may do it
    for minute in range(720, 760):
        names = [f"{minute}-{number}" for number in range(9)]
        content.append((poll(minute, len(names)), sightings(names, minute)))
    journal_of(layout, REGION, content)
    facts = seal_day(REGION, DAY, layout)["feeds"]["feed"]
    rows = expected_rows(content)
    assert sealed_table(layout).to_pylist() == [
        {name: row[name] for name in SIGHTINGS.names} for row in rows
    ]
    assert (facts["rows"], facts["vehicles"]) == (len(rows), len({r["vehicle_id"] for r in rows}))
    with pq.ParquetFile(layout.sightings("test", DAY) / "feed.parquet") as file:
        groups = [file.read_row_group(i)["vehicle_id"] for i in range(file.num_row_groups)]
    assert len(groups) > 3
    assert sum(pa.compute.count_distinct(ids).as_py() for ids in groups) == facts["vehicles"]


@pytest.mark.parametrize("max_ids", [1, 1 << 20])
def test_a_vehicle_that_one_poll_holds_twice_is_told(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, max_ids: int
) -> None:
    monkeypatch.setattr(columns, "MAX_IDS", max_ids)
    journal_of(layout, REGION, [(poll(0, 3), sightings(["a", "b", "a"]))])
    with pytest.raises(JournalError, match="holds one vehicle twice"):
        seal_day(REGION, DAY, layout)


BATCHES = st.lists(
    st.tuples(
        st.integers(0, 1439), st.lists(st.text(min_size=1, max_size=2), max_size=5, unique=True)
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda each: each[0],
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BATCHES, st.sampled_from([3, 1 << 20]))
def test_any_ids_in_any_order(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    batches: list[tuple[int, list[str]]],
    max_ids: int,
) -> None:
    monkeypatch.setattr(columns, "MAX_IDS", max_ids)
    monkeypatch.setattr(renamed, "MAX_BYTES", 200)
    layout = Layout(tmp_path_factory.mktemp("root"))
    content: Content = [(poll(minute, len(ids)), sightings(ids, minute)) for minute, ids in batches]
    journal_of(layout, REGION, content)
    seal_day(REGION, DAY, layout)
    assert sealed_table(layout).to_pylist() == [
        {name: row[name] for name in SIGHTINGS.names} for row in expected_rows(content)
    ]


LARGE_DAY = """
import datetime as dt, re, sys, time
from pathlib import Path
import numpy as np, pyarrow as pa
from tasks.files import Layout
from tasks.journal import Journal, Poll, seal_day
from tasks.schema import SIGHTINGS_OF_A_POLL
from tests.tasks.conftest import DAY, START
from tests.tasks.journal.test_sealing import REGION

vehicles, layout = 8836, Layout(Path(sys.argv[1]))
draw = np.random.default_rng(1)
ids = pa.array([f"{number:032x}" for number in draw.permutation(vehicles) * 7919])
home = draw.integers(38_000_000, 39_000_000, (2, vehicles))
fix = home.copy()
flags, kinds = pa.array([False] * vehicles), pa.array(["scooter"] * vehicles)
ranges = pa.array(draw.integers(0, 80, vehicles, dtype=np.int32) * 500)
with Journal(layout.journal("test", "feed"), "test", "feed", REGION.zone) as journal:
    for minute in range(1440):
        moved = draw.random(vehicles) < 0.05
        fix[:, moved] = home[:, moved] + draw.normal(0, 45, (2, moved.sum())).astype(int)
        places = [pa.array(row.astype(np.int32)) for row in fix]
        columns = [ids, *places, flags, flags, kinds, ranges]
        at = START + dt.timedelta(minutes=minute)
        journal.append(
            Poll("feed", at, at, "ok", 200, vehicles=vehicles),
            pa.RecordBatch.from_arrays(columns, schema=SIGHTINGS_OF_A_POLL),
        )
begun = time.monotonic()
manifest = seal_day(REGION, DAY, layout)
print(manifest["feeds"]["feed"]["rows"], time.monotonic() - begun)
# VmHWM, not ru_maxrss, which a child takes over from the process that started it
print(1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]))
print(manifest["files"]["feed.parquet"]["bytes"])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from Linux's /proc")
def test_a_large_day_is_sealed_in_little_memory_and_space(tmp_path: Path, show: Show) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LARGE_DAY, str(tmp_path)], capture_output=True, text=True, check=True
    )
    rows, seconds, memory, size = (float(word) for word in run.stdout.split())
    line = f"{rows:.0f} sightings: {seconds:.1f} s, {memory / 1e6:.0f} MB, {size / rows:.2f} B each"
    show("A large day sealed", [line])
    assert rows == 8836 * 1440
    assert memory < 1e9
    assert size / rows < 0.8
