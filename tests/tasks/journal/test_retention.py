import datetime as dt
import os
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.files import Layout
from tasks.files.manifest import MANIFEST
from tasks.journal import Journal, expire_journals, read_day, seal_day
from tasks.journal import retention as retention_file
from tasks.journal.vehicle_types import VEHICLE_TYPES_FILE
from tasks.schema import VEHICLE_TYPES
from tests.tasks.conftest import DAY, START
from tests.tasks.journal.conftest import poll, sightings
from tests.tasks.journal.test_sealing import FILES, REGION, journal_of, some_hour

SEALED_AT = START + dt.timedelta(days=1, minutes=20)
DUE = SEALED_AT + dt.timedelta(days=REGION.retention_days)


def folder(layout: Layout) -> Path:
    return layout.journal("test", "feed") / DAY.isoformat()


def sealed_day(layout: Layout) -> Path:
    journal_of(layout, REGION, some_hour())
    seal_day(REGION, DAY, layout)
    sealed = layout.sightings("test", DAY)
    os.utime(sealed / MANIFEST, (SEALED_AT.timestamp(),) * 2)
    return sealed


def expire(layout: Layout, now: dt.datetime = DUE) -> tuple[list[tuple[str, dt.date]], list[str]]:
    lines: list[str] = []
    return expire_journals(REGION, layout, now, lines.append), lines


def test_a_journal_is_deleted_when_its_time_has_come_and_never_before(layout: Layout) -> None:
    sealed_day(layout)
    journal_of(layout, REGION, [(poll(1440, 1), sightings(["a"]))])  # the next day is open
    assert expire(layout, DUE - dt.timedelta(seconds=1)) == ([], [])
    assert len(read_day(folder(layout).parent, DAY).polls) == 60
    assert expire(layout) == ([("feed", DAY)], [])
    assert not folder(layout).exists()
    assert expire(layout) == ([], [])
    assert len(read_day(folder(layout).parent, DAY + dt.timedelta(days=1)).polls) == 1
    # and the sealed day is still whole
    assert seal_day(REGION, DAY, layout)["feeds"]["feed"]["polls"] == 60


def test_a_day_that_is_not_over_is_kept(layout: Layout) -> None:
    region = REGION.model_copy(update={"retention_days": 0})
    sealed = sealed_day(layout)
    os.utime(sealed / MANIFEST, (START.timestamp(),) * 2)
    end = START + dt.timedelta(days=1)
    assert expire_journals(region, layout, end - dt.timedelta(seconds=1)) == []
    assert expire_journals(region, layout, end) == [("feed", DAY)]


def test_a_day_that_was_never_sealed_is_kept(layout: Layout) -> None:
    journal_of(layout, REGION, some_hour())
    assert expire(layout, START + dt.timedelta(days=9999)) == ([], [])
    assert folder(layout).is_dir()


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_day_whose_sealed_files_changed_is_kept(layout: Layout, name: str) -> None:
    path = sealed_day(layout) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    deleted, (line,) = expire(layout)
    assert deleted == []
    assert "kept for longer than asked" in line
    assert "differs from the SHA-256" in line
    assert "\n" not in line
    path.unlink()
    assert "missing" in expire(layout)[1][0]
    assert len(read_day(folder(layout).parent, DAY).polls) == 60


def test_a_journal_that_holds_more_than_the_sealed_day_is_kept(layout: Layout) -> None:
    sealed_day(layout)
    journal_of(layout, REGION, [(poll(100, 1), sightings(["late"]))])
    deleted, (line,) = expire(layout)
    assert (deleted, folder(layout).is_dir()) == ([], True)
    assert "other polls" in line


def test_a_journal_that_was_damaged_after_the_seal_is_kept(layout: Layout) -> None:
    sealed_day(layout)
    segment = folder(layout) / "000001.segment"
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    assert "damaged after the day was sealed" in expire(layout)[1][0]
    assert segment.exists()


def test_a_sealed_day_with_other_sightings_is_no_proof(layout: Layout) -> None:
    """Checksums alone would not tell: the files are as they were written, but wrong."""
    other = Layout(layout.root / "other")
    content = some_hour()
    moved = [
        (each, batch and sightings(batch["vehicle_id"].to_pylist(), 7)) for each, batch in content
    ]
    journal_of(other, REGION, moved)
    seal_day(REGION, DAY, other)
    journal_of(layout, REGION, content)
    wrong, final = other.sightings("test", DAY), layout.sightings("test", DAY)
    final.parent.mkdir(parents=True, exist_ok=True)
    wrong.rename(final)
    os.utime(final / MANIFEST, (SEALED_AT.timestamp(),) * 2)
    assert "other sightings" in expire(layout)[1][0]
    assert folder(layout).is_dir()


def test_a_deletion_that_was_cut_off_is_finished(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed_day(layout)
    with monkeypatch.context() as patch:
        patch.setattr(retention_file, "_finish", lambda directory: None)
        expire(layout)
    (left,) = folder(layout).parent.glob(f"{DAY}*")
    assert read_day(folder(layout).parent, DAY).polls == ()
    expire(layout)
    assert not left.exists()


def keep_types(layout: Layout) -> Path:
    """Add a vehicle type to the journal; the file that holds it."""
    rows = [{"vehicle_type_id": "late", "form_factor": "car", "propulsion_type": "human"}]
    types = pa.Table.from_pylist(rows, schema=VEHICLE_TYPES.arrow())
    with Journal(layout.journal("test", "feed"), "test", "feed", REGION.zone) as journal:
        journal.keep_vehicle_types(types, START)
    return folder(layout) / VEHICLE_TYPES_FILE


def test_a_day_whose_vehicle_types_changed_is_kept(layout: Layout) -> None:
    sealed_day(layout)
    keep_types(layout)
    deleted, (line,) = expire(layout)
    assert deleted == []
    assert "holds other vehicle types" in line


@pytest.mark.parametrize("sealed_first", [False, True])
def test_damaged_vehicle_types_are_told_and_keep_no_journal(
    layout: Layout, sealed_first: bool
) -> None:
    types = keep_types(layout)
    if sealed_first:
        sealed_day(layout)
    types.write_bytes(b"PAR1 nonsense")
    if not sealed_first:
        sealed_day(layout)
    facts = seal_day(REGION, DAY, layout)["feeds"]["feed"]
    assert facts["damaged"] == ([] if sealed_first else [VEHICLE_TYPES_FILE])
    assert facts["vehicle_types"] == sealed_first
    assert read_day(folder(layout).parent, DAY).damaged == (VEHICLE_TYPES_FILE,)
    assert expire(layout) == ([("feed", DAY)], [])
