import datetime as dt
import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.files import Layout, read_manifest, verify_files, write_atomically, write_manifest
from tasks.journal import Journal, delete_raw, due, finish_deletions, raw_days, read_day, seal_day
from tasks.region import Region
from tests.conftest import Show
from tests.tasks.conftest import DAY, START
from tests.tasks.journal.conftest import poll, sightings
from tests.tasks.journal.crashes import Recorder, crash_states, lay_out
from tests.tasks.journal.test_sealing import REGION, journal_of, some_hour

ONE = dt.timedelta(days=1)
NEXT = DAY + ONE
END = START + ONE
REPLAY = REGION.model_copy(
    update={"feeds": tuple(f.model_copy(update={"clock": "feed"}) for f in REGION.feeds)}
)


def hours(count: float) -> dt.timedelta:
    return dt.timedelta(hours=count)


def test_a_settled_day_is_kept_for_the_regions_days() -> None:
    released = END + hours(1)
    assert due(REGION, DAY, {DAY: END}, {DAY: released}) == released + 7 * ONE
    # one that was released before it was over is kept for as long as one released at its end
    assert due(REGION, DAY, {DAY: END}, {DAY: START}) == END + 7 * ONE


def test_a_day_is_kept_for_the_one_after_it() -> None:
    raw, settled = {DAY: END, NEXT: END + ONE}, {DAY: END}
    assert due(REGION, DAY, raw, settled) == END + 30 * ONE
    assert due(REGION, DAY, raw, {**settled, NEXT: END + ONE}) == END + 7 * ONE


def test_a_replayed_day_is_as_old_as_its_data() -> None:
    collected = END + 500 * ONE
    assert due(REPLAY, DAY, {DAY: collected}, {}) == collected + 30 * ONE
    assert due(REGION, DAY, {DAY: collected}, {}) == END + 30 * ONE


moments = st.integers(-100, 2000).map(lambda count: END + hours(count))
days_apart = st.integers(0, 3).map(lambda count: DAY + count * ONE)


@given(
    raw=st.dictionaries(days_apart, moments, min_size=1),
    settled=st.dictionaries(days_apart, moments),
    kept=st.tuples(st.integers(0, 40), st.integers(1, 60)).filter(lambda two: two[0] <= two[1]),
    region=st.sampled_from([REGION, REPLAY]),
)
def test_no_day_goes_too_early_and_none_stays_for_ever(
    raw: dict[dt.date, dt.datetime],
    settled: dict[dt.date, dt.datetime],
    kept: tuple[int, int],
    region: Region,
) -> None:
    region = region.model_copy(update={"retention_days": kept[0], "retention_max_days": kept[1]})
    for day in raw:
        over = dt.datetime.combine(day, dt.time(), dt.UTC) + ONE
        if region.clock == "feed":
            over = raw[day]
        at_most = over + kept[1] * ONE
        moment = due(region, day, raw, settled)
        assert moment <= at_most
        if day not in settled or (day + ONE in raw and day + ONE not in settled):
            assert moment == at_most
        elif moment < at_most:
            assert moment - settled[day] >= kept[0] * ONE


def raw_day(layout: Layout, day: dt.date = DAY) -> list[Path]:
    """A day with everything raw; the directories."""
    journal_of(layout, REGION, some_hour())
    seal_day(REGION, DAY, layout)
    for room in (layout.trips("test", day), layout.ends("test", day)):
        write_atomically(room / "rows.parquet", b"rows")
        write_manifest(room, {}, ["rows.parquet"])
    journal = layout.journal("test", "feed") / day.isoformat()
    return [
        journal,
        layout.sightings("test", day),
        layout.trips("test", day),
        layout.ends("test", day),
    ]


def test_a_raw_day_is_deleted_and_nothing_else(layout: Layout) -> None:
    folders = raw_day(layout)
    journal_of(layout, REGION, [(poll(1440, 1), sightings(["a"]))])  # the next day is open
    kept = [layout.model("test", DAY), layout.releases("test", DAY) / "r1"]
    for path in (*kept, layout.ledger.parent):
        write_atomically(path / "some", b"thing")
    assert list(raw_days(REGION, layout)) == [DAY, NEXT]
    delete_raw(REGION, layout, DAY)
    assert list(raw_days(REGION, layout)) == [NEXT]
    assert not any(folder.exists() for folder in folders)
    assert all((path / "some").exists() for path in kept)
    assert len(read_day(layout.journal("test", "feed"), NEXT).polls) == 1
    delete_raw(REGION, layout, DAY)


def test_a_quality_report_goes_with_the_trips_that_it_shows(layout: Layout) -> None:
    raw_day(layout)
    report, other = (layout.quality("test", day) for day in (DAY, NEXT))
    for path in (report, other):
        write_atomically(path / "index.html", b"figures")
    assert list(raw_days(REGION, layout)) == [DAY]  # it is no raw day by itself
    delete_raw(REGION, layout, DAY)
    assert not report.exists()
    assert (other / "index.html").exists()


def test_the_journal_of_a_feed_that_was_removed_is_deleted_too(layout: Layout) -> None:
    with Journal(layout.journal("test", "old"), "test", "old", REGION.zone) as journal:
        journal.append(poll(1, 1), sightings(["a"]))
    assert list(raw_days(REGION, layout)) == [DAY]
    delete_raw(REGION, layout, DAY)
    assert not (layout.journal("test", "old") / DAY.isoformat()).exists()


def test_a_region_without_data_has_no_raw_days(layout: Layout) -> None:
    assert raw_days(REGION, layout) == {}
    finish_deletions(REGION, layout)


def test_a_crash_in_a_deletion_leaves_what_is_whole_or_no_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, show: Show
) -> None:
    root, deleting = tmp_path / "run", [False]
    root.mkdir()
    layout = Layout(root / "data")
    recorder = Recorder(root, lambda: deleting[0])
    with recorder.watching(monkeypatch):
        raw_day(layout)
        deleting[0] = True
        delete_raw(REGION, layout, DAY)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    draw, crashed = random.Random(5), tmp_path / "crashed"
    seen: set[tuple[object, ...]] = set()
    partly = 0
    for moment in recorder.moments:
        for _, tree in crash_states(moment, draw, 1) if moment.note else ():
            if (key := tuple(sorted(tree.items()))) in seen:
                continue
            seen.add(key)
            crashed.mkdir()
            lay_out(tree, crashed)
            layout = Layout(crashed / "data")
            for room in (layout.sightings, layout.trips, layout.ends):
                if (folder := room("test", DAY)).exists():
                    verify_files(folder, read_manifest(folder) or {})
            if (layout.journal("test", "feed") / DAY.isoformat()).exists():
                assert len(read_day(layout.journal("test", "feed"), DAY).polls) == 60
            partly += raw_days(REGION, layout) == {}
            delete_raw(REGION, layout, DAY)
            assert raw_days(REGION, layout) == {}
            assert not list(crashed.rglob("*.deleted"))
            shutil.rmtree(crashed)
    show("Crash states of a deletion", [f"{len(seen)}, {partly} of them with no day left"])
    assert 0 < partly < len(seen)
