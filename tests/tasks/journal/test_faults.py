"""A disk that refuses: every operation of collecting and sealing fails once, in every way."""

import errno
import io
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tasks.files import Layout, verify_files
from tasks.journal import Journal, JournalError, read_day, seal_day
from tasks.journal import segment as segment_file
from tasks.journal.patience import PAUSE_SECONDS, Patience
from tests.tasks.conftest import DAY
from tests.tasks.journal.conftest import poll, sightings
from tests.tasks.journal.test_sealing import REGION

OPERATIONS = ("open", "write", "fsync", "ftruncate", "rename", "replace", "mkdir", "unlink")
POLLS = 2


class Disk:
    """Counts the operations on the disk and refuses some of them."""

    def __init__(self, patch: pytest.MonkeyPatch, refuse: Callable[[int, str], int]) -> None:
        self.count = 0
        self.refused: set[int] = set()  # descriptors of which a write or sync was refused
        self._refuse = refuse
        patch.setattr(os, "fsync", lambda descriptor: None)  # nothing here outlives the test
        for name in OPERATIONS:
            patch.setattr(os, name, self._wrapped(name, getattr(os, name)))
        patch.setattr(io, "open", self._wrapped("open", io.open))
        patch.setattr(Path, "open", self._opening(Path.open))

    def ask(self, name: str) -> None:
        number, self.count = self.count, self.count + 1
        if error := self._refuse(number, name):
            raise OSError(error, os.strerror(error))

    def _wrapped(self, name: str, really: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **more: Any) -> Any:
            on_descriptor = name in ("write", "fsync")
            if name == "write":
                assert args[0] not in self.refused, "a segment that failed was used again"
            try:
                self.ask(name)
            except OSError:
                if on_descriptor:
                    self.refused.add(args[0])
                if name == "write":
                    really(args[0], bytes(args[1])[: len(args[1]) // 2])  # half of it arrives
                raise
            result = really(*args, **more)
            if name == "open" and isinstance(result, int):
                self.refused.discard(result)
            return result

        return operation

    def _opening(self, really: Callable[..., Any]) -> Callable[..., Any]:
        """Python's own file objects write without `os.write`."""

        def opened(path: Path, mode: str = "r", *args: Any, **more: Any) -> Any:
            file = really(path, mode, *args, **more)
            return _Writes(file, self) if "w" in mode else file

        return opened


class _Writes:
    def __init__(self, file: Any, disk: Disk) -> None:
        self._file, self._disk = file, disk

    def __enter__(self) -> "_Writes":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, content: bytes) -> int:
        try:
            self._disk.ask("write")
        except OSError:
            self._file.write(content[: len(content) // 2])
            raise
        return int(self._file.write(content))


def collect_and_seal(layout: Layout, warnings: list[str]) -> list[int]:
    """Collect and seal as shifts do that are run again; returns the acknowledged polls."""
    acknowledged: list[int] = []

    def tries() -> Iterator[None]:
        for _ in range(3):
            yield

    for _ in tries():
        try:
            with Journal(layout.journal("test", "feed"), "test", "feed", REGION.zone) as journal:
                last = journal.last_poll(DAY)
                for number in range(last.bytes + 1 if last else 0, POLLS):
                    batch = sightings(["a", "b"], number)
                    journal.append(poll(number, 2, bytes=number), batch)
                    acknowledged.append(number)
            break
        except JournalError as error:
            warnings.append(str(error))
    for _ in tries():
        try:
            seal_day(REGION, DAY, layout)
            break
        except JournalError as error:
            warnings.append(str(error))
    return acknowledged


def check(layout: Layout) -> None:
    verify_files(layout.sightings("test", DAY), seal_day(REGION, DAY, layout))
    final = layout.sightings("test", DAY)
    assert pq.read_table(final / "feed.polls.parquet")["bytes"].to_pylist() == list(range(POLLS))
    assert pq.read_table(final / "feed.parquet").num_rows == 2 * POLLS
    assert [path.name for path in final.parent.iterdir()] == [DAY.isoformat()]


@pytest.mark.parametrize(("error", "lasts"), [(errno.ENOSPC, 1), (errno.EIO, 2)])
def test_every_operation_refused(tmp_path: Path, error: int, lasts: int) -> None:
    """One operation, or two in a row, so that cleaning up fails too."""
    number, refused = 0, True
    counts = dict.fromkeys(OPERATIONS, 0)
    while refused:
        layout = Layout(tmp_path / str(number))
        warnings: list[str] = []
        refused = False

        def refuse(at: int, name: str, first: int = number) -> int:
            nonlocal refused
            if not first <= at < first + lasts:
                return 0
            refused = True
            counts[name] += 1
            return error

        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, refuse)
            acknowledged = collect_and_seal(layout, warnings)
        assert set(acknowledged) <= set(range(POLLS))  # one may be on disk without being so
        assert len(acknowledged) == len(set(acknowledged)) >= POLLS - 1
        check(layout)
        assert all("\n" not in line and os.strerror(error) in line for line in warnings)
        number += 1
    assert number > 50
    assert all(counts[name] for name in ("open", "write", "fsync", "rename", "replace", "mkdir"))


def test_a_synced_frame_that_is_written_again_counts_once(tmp_path: Path) -> None:
    """The worst case: the bytes are on disk, the sync fails, and so does taking them off."""
    layout = Layout(tmp_path)
    after = ["ftruncate", "fsync"]

    def refuse(_: int, name: str) -> int:
        if armed and after and name == after[-1]:
            after.pop()
            return errno.EIO
        return 0

    armed = False
    with pytest.MonkeyPatch.context() as patch:
        Disk(patch, refuse)
        with Journal(layout.journal("test", "feed"), "test", "feed", REGION.zone) as journal:
            journal.append(poll(0, 1), sightings(["a"]))
            armed = True
            with pytest.raises(JournalError, match="Input/output error"):
                journal.append(poll(1, 1), sightings(["a"], 1))
            journal.append(poll(1, 1), sightings(["a"], 1))
            journal.append(poll(2, 1), sightings(["a"], 2))
    folder = layout.journal("test", "feed") / DAY.isoformat()
    first, second = sorted(folder.glob("*.segment"))
    assert len(segment_file.scan(first).payloads) == len(segment_file.scan(second).payloads) == 2
    assert [each.fetched_at for each in read_day(folder.parent, DAY).polls] == [
        poll(minute).fetched_at for minute in range(3)
    ]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The kernel refuses longer files, to libraries in C++ too."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def test_a_table_that_cannot_be_written_is_sealed_later(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    warnings = []
    with Journal(layout.journal("test", "feed"), "test", "feed", REGION.zone) as journal:
        for number in range(POLLS):
            journal.append(poll(number, 2, bytes=number), sightings(["a", "b"], number))
    for size in range(0, 6000, 400):
        with files_of_at_most(size), pytest.raises(JournalError, match="cannot seal") as raised:
            seal_day(REGION, DAY, layout)
        warnings.append(str(raised.value))
        assert not layout.sightings("test", DAY).exists()
        if size > 4000:
            break
    assert all("\n" not in line for line in warnings)
    check(layout)


# A full disk


class FullDisk:
    """Full until somebody has waited for it so many times."""

    def __init__(self, pauses: int) -> None:
        self.pauses = pauses
        self.slept: list[float] = []
        self.lines: list[str] = []

    def refuse(self, _: int, name: str) -> int:
        return errno.ENOSPC if self.is_full and name in ("write", "mkdir") else 0

    @property
    def is_full(self) -> bool:
        return len(self.slept) < self.pauses

    def patience(self, seconds: float) -> Patience:
        return Patience(
            disk_seconds=seconds,
            warn=self.lines.append,
            monotonic=lambda: sum(self.slept),
            sleep=self.slept.append,
        )


def test_a_full_disk_pauses_and_resumes_by_itself(tmp_path: Path) -> None:
    opened = Journal(tmp_path, "r", "feed", REGION.zone)
    opened.append(poll(0, 1), sightings(["a"]))
    opened.close()
    disk = FullDisk(pauses=7)
    with pytest.MonkeyPatch.context() as patch:
        Disk(patch, disk.refuse)
        # even opening the journal needs no space
        with Journal(tmp_path, "r", "feed", REGION.zone, disk.patience(3600)) as journal:
            journal.append(poll(1, 1), sightings(["a"], 1))
            journal.append(poll(2, 1), sightings(["a"], 2))
    assert disk.slept == [PAUSE_SECONDS] * 7
    assert len(disk.lines) == 2
    assert "No space left on device; collecting pauses" in disk.lines[0]
    assert f"after a pause of {7 * PAUSE_SECONDS:.0f} s" in disk.lines[1]
    assert len(read_day(tmp_path, DAY).polls) == 3
    assert len(list((tmp_path / DAY.isoformat()).iterdir())) == 2


def test_a_pause_ends(tmp_path: Path) -> None:
    disk = FullDisk(pauses=1000)
    opened = Journal(tmp_path, "r", "feed", REGION.zone)
    opened.close()
    with pytest.MonkeyPatch.context() as patch:
        Disk(patch, disk.refuse)
        with (
            Journal(tmp_path, "r", "feed", REGION.zone, disk.patience(60)) as journal,
            pytest.raises(JournalError, match="No space left on device; what was acknowledged"),
        ):
            journal.append(poll(0))
    assert sum(disk.slept) == 60
    assert read_day(tmp_path, DAY).polls == ()
