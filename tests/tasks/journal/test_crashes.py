"""A power cut at any moment of collecting and sealing loses no acknowledged poll."""

import os
import random
import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.files import Layout, read_manifest, verify_files
from tasks.journal import Journal, read_day, seal_day
from tests.conftest import Show
from tests.tasks.conftest import DAY
from tests.tasks.journal.conftest import poll, sightings
from tests.tasks.journal.crashes import Moment, Recorder, crash_states, lay_out
from tests.tasks.journal.test_sealing import REGION

LATER = 5  # number of the poll that is collected after the crash


def opened(layout: Layout) -> Journal:
    return Journal(layout.journal("test", "feed"), "test", "feed", REGION.zone)


def append(journal: Journal, number: int) -> None:
    journal.append(poll(number, 3, bytes=number), sightings(["a", "b", "c"], number))


def recorded(root: Path, patch: pytest.MonkeyPatch) -> list[Moment]:
    """A run: two shifts, then sealing; the note is how many polls were acknowledged."""
    root.mkdir()
    layout = Layout(root / "data")
    acknowledged = [0]
    recorder = Recorder(root, lambda: acknowledged[0])
    with recorder.watching(patch):
        for shift in ((0, 1, 2), (3, 4)):
            with opened(layout) as journal:
                for number in shift:
                    append(journal, number)
                    acknowledged[0] = number + 1
        seal_day(REGION, DAY, layout)
    return recorder.moments


def check(root: Path, acknowledged: int, state: str) -> str:
    """Go on after the crash; returns what was found."""
    layout = Layout(root / "data")
    final = layout.sightings("test", DAY)
    manifest = read_manifest(final)
    if manifest is not None:
        verify_files(final, manifest)
        found = "sealed"
        expected = list(range(LATER))
    else:
        found = "open"
        read = [each.bytes for each in read_day(layout.journal("test", "feed"), DAY).polls]
        assert read in (list(range(acknowledged)), list(range(acknowledged + 1)))
        with opened(layout) as journal:
            append(journal, LATER)
        day = read_day(layout.journal("test", "feed"), DAY)
        assert [each.bytes for each in day.polls] == [*read, LATER]
        for entry in day.entries:
            assert entry.sightings() == sightings(["a", "b", "c"], entry.poll.bytes)
        if state not in ("hollow", "mixed"):  # a hollow frame cannot be told from a spoilt one
            assert day.damaged == ()
        expected = [*read, LATER]
    seal_day(REGION, DAY, layout)
    assert pq.read_table(final / "feed.polls.parquet")["bytes"].to_pylist() == expected
    assert pq.read_table(final / "feed.parquet").num_rows == 3 * len(expected)
    return found


def survive(tmp_path: Path, patch: pytest.MonkeyPatch, samples: int) -> Counter[str]:
    moments = recorded(tmp_path / "run", patch)
    assert moments[-1].note == LATER
    patch.setattr(os, "fsync", lambda descriptor: None)  # the test itself need not be durable
    draw = random.Random(5)
    root = tmp_path / "crashed"
    seen: set[tuple[object, ...]] = set()
    found: Counter[str] = Counter()
    for index, moment in enumerate(moments):
        for state, tree in crash_states(moment, draw, samples):
            key = (moment.note, *sorted(tree.items()))
            if key in seen:
                continue
            seen.add(key)
            root.mkdir()
            lay_out(tree, root)
            try:
                found[check(root, moment.note, state)] += 1
            except BaseException as error:
                error.add_note(f"moment {index} of {len(moments)}, {state}: {sorted(tree)}")
                raise
            shutil.rmtree(root)
    return found


def test_every_crash_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, show: Show) -> None:
    found = survive(tmp_path, monkeypatch, samples=1)
    show("Crash states of collecting and sealing", [dict(found)])
    assert found["open"] > 100
    assert found["sealed"] > 0


@pytest.mark.slow
def test_many_mixed_crash_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert survive(tmp_path, monkeypatch, samples=40)["open"] > 200
