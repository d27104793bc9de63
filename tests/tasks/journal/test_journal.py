import datetime as dt
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tasks.journal import Journal, JournalError, read_day
from tasks.journal.journal import check_identity
from tests.tasks.conftest import DAY
from tests.tasks.journal.conftest import poll, sightings

UTC = ZoneInfo("UTC")


def opened(directory: Path, region: str = "r", feed: str = "feed", zone: ZoneInfo = UTC) -> Journal:
    return Journal(directory, region, feed, zone)


def test_what_is_appended_is_read_again(tmp_path: Path) -> None:
    batch = sightings(["a", "b"])
    with opened(tmp_path) as journal:
        journal.append(poll(0, 2), batch)
        journal.append(poll(1, outcome="not_modified", status=304))
        journal.append(poll(2, outcome="timeout", status=None))
        assert journal.last_answered(DAY) == poll(1).fetched_at
        assert journal.last_poll(DAY) == poll(2, outcome="timeout", status=None)
    found = read_day(tmp_path, DAY)
    assert [each.outcome for each in found.polls] == ["ok", "not_modified", "timeout"]
    assert found.entries[0].sightings() == batch
    assert found.entries[1].sightings().num_rows == 0
    assert found.damaged == ()


def test_a_journal_goes_on_where_it_stopped(tmp_path: Path) -> None:
    for minute in range(3):
        with opened(tmp_path) as journal:
            before = journal.last_answered(DAY)
            assert before == (poll(minute - 1).fetched_at if minute else None)
            journal.append(poll(minute))
    assert len(read_day(tmp_path, DAY).polls) == 3
    assert len(list((tmp_path / DAY.isoformat()).glob("*.segment"))) == 3


def test_polls_go_to_the_service_day_in_which_they_were_fetched(tmp_path: Path) -> None:
    louisville = ZoneInfo("America/Kentucky/Louisville")  # midnight is at 04:00 UTC
    with opened(tmp_path, zone=louisville) as journal:
        for minute in (0, 239, 240, 1000):
            journal.append(poll(minute))
    assert len(read_day(tmp_path, DAY - dt.timedelta(days=1)).polls) == 2
    assert len(read_day(tmp_path, DAY).polls) == 2


def test_polls_are_read_in_order_of_time(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for minute in (2, 0, 1):
            journal.append(poll(minute))
    assert [each.fetched_at for each in read_day(tmp_path, DAY).polls] == [
        poll(minute).fetched_at for minute in range(3)
    ]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"region": "elsewhere"}, "this journal has region 'r', not 'elsewhere'"),
        ({"feed": "other"}, "this journal has feed 'feed', not 'other'"),
        ({"zone": ZoneInfo("Europe/Berlin")}, "time_zone 'UTC', not 'Europe/Berlin'"),
    ],
)
def test_a_journal_of_another_region_is_refused(
    tmp_path: Path, other: dict[str, str], message: str
) -> None:
    opened(tmp_path).close()
    with pytest.raises(JournalError, match=message) as raised:
        opened(tmp_path, **other)  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)
    opened(tmp_path).close()  # the refusal let go of the lock


def test_a_journal_of_another_schema_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    identity = json.loads((tmp_path / "journal.json").read_bytes())
    identity["schema_version"]["sightings"] += 1
    (tmp_path / "journal.json").write_text(json.dumps(identity))
    with pytest.raises(JournalError, match="schema_version"):
        opened(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_broken_identity_gives_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "journal.json").write_text(content)
    with pytest.raises(JournalError, match=r"journal\.json: not a JSON object"):
        check_identity(tmp_path, "r", "feed", UTC)


def test_a_tail_torn_at_any_byte_loses_no_acknowledged_poll(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for minute in range(3):
            journal.append(poll(minute, 2), sightings(["a", "b"], minute))
            if minute == 1:
                segment = tmp_path / DAY.isoformat() / "000001.segment"
                kept = segment.stat().st_size
    content = segment.read_bytes()
    for length in range(kept, len(content), 5):
        segment.write_bytes(content[:length])
        with opened(tmp_path) as journal:
            assert journal.last_answered(DAY) == poll(1).fetched_at
        assert segment.stat().st_size == kept
    with opened(tmp_path) as journal:
        journal.append(poll(2, 1), sightings(["a"]))
    assert [each.vehicles for each in read_day(tmp_path, DAY).polls] == [2, 2, 1]


def test_damage_in_the_middle_keeps_what_is_before_and_sets_the_rest_aside(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for minute in range(9):
            journal.append(poll(minute, 2), sightings(["a", "b"], minute))
    folder = tmp_path / DAY.isoformat()
    segment = folder / "000001.segment"
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    # a reader sees it before a writer mends it, and both see the same polls
    read = read_day(tmp_path, DAY)
    assert read.damaged == ("000001.segment",)
    with opened(tmp_path) as journal:
        last = journal.last_poll(DAY)
        journal.append(poll(9))
    (aside,) = folder.glob("*.damaged-at-*")
    assert segment.read_bytes() + aside.read_bytes() == content
    mended = read_day(tmp_path, DAY)
    assert mended.polls[:-1] == read.polls
    assert mended.damaged == (aside.name,)
    assert last == read.polls[-1]
    assert 0 < len(read.polls) < 9


def test_after_a_failed_write_the_next_poll_begins_a_new_segment(tmp_path: Path) -> None:
    """The file size limit makes the kernel refuse the write in the middle of the frame."""
    code = (
        "import resource, signal, sys; from pathlib import Path; from zoneinfo import ZoneInfo\n"
        "from tasks.journal import Journal, JournalError\n"
        "from tests.tasks.journal.conftest import poll, sightings\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with Journal(Path(sys.argv[1]), 'r', 'feed', ZoneInfo('UTC')) as journal:\n"
        "    journal.append(poll(0, 1), sightings(['a']))\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))\n"
        "    try: journal.append(poll(1, 99), sightings([f'{i * 7919}' for i in range(999)]))\n"
        "    except JournalError as error: print(error)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "    journal.append(poll(2, 1), sightings(['a']))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "cannot write the journal: File too large" in run.stdout
    assert run.stdout.count("\n") == 1
    assert [each.fetched_at for each in read_day(tmp_path, DAY).polls] == [
        poll(0).fetched_at,
        poll(2).fetched_at,
    ]
    assert len(list((tmp_path / DAY.isoformat()).glob("*.segment"))) == 2
    assert read_day(tmp_path, DAY).damaged == ()


def test_polls_that_are_equal_in_every_field_are_all_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay whose clock stands still leaves such polls; here over restarts and a failed sync."""
    failed = poll(3, outcome="timeout", status=None)
    for kept in range(1, 4):
        with opened(tmp_path) as journal:
            journal.append(failed)
        assert read_day(tmp_path, DAY).polls == (failed,) * kept

    def refuse(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with opened(tmp_path) as journal:
        journal.append(failed)
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", refuse)
            with pytest.raises(JournalError):
                journal.append(failed)  # not acknowledged, though its bytes may be on disk
        journal.append(failed)
    assert read_day(tmp_path, DAY).polls == (failed,) * 5


def test_a_directory_that_cannot_be_made_gives_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot write the journal"):
        opened(tmp_path / "file" / "journal")
