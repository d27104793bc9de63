import multiprocessing
from pathlib import Path

import pytest

from tasks.gbfs.note import shared_note


def add_one(directory: Path, times: int) -> None:
    for _ in range(times):
        with shared_note(directory, "sum") as note:
            note["sum"] += 1


def test_nothing_that_processes_note_is_lost(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(add_one, [(tmp_path, 200)] * 2)
    with shared_note(tmp_path, "sum") as note:
        assert note["sum"] == 400


def test_a_shorter_note_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    with shared_note(tmp_path, "a") as note:
        note.update({"first": 1.5, "second": 2e9, "third": -3})
    with shared_note(tmp_path, "a") as note:
        assert note == {"first": 1.5, "second": 2e9, "third": -3}
        note.clear()
    with shared_note(tmp_path, "a") as note:
        assert note == {}
        assert note["first"] == 0


def test_a_note_of_a_use_that_failed_stays_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), shared_note(tmp_path, "a") as note:
        note["a"] = 1 / 0
    with shared_note(tmp_path, "a") as note:
        assert note == {}
