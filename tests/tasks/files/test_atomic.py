import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.files import move_into_place, write_atomically

WRITER = """
import sys
from pathlib import Path
from tasks.files import write_atomically
for i in range(10**9):
    write_atomically(Path(sys.argv[1]), str(i % 10).encode() * 100_000)
"""


def test_a_killed_writer_leaves_one_whole_version(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for attempt in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)])
        while not path.exists():
            time.sleep(0.01)
        time.sleep(0.02 * attempt)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        content = path.read_bytes()
        assert len(content) == 100_000
        assert len(set(content)) == 1


def test_threads_that_write_one_file_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with ThreadPoolExecutor(4) as pool:
        written = [
            pool.submit(write_atomically, path, str(i % 10).encode() * 10_000) for i in range(80)
        ]
        assert [each.result() for each in written] == [None] * 80
    assert len(set(path.read_bytes())) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_never_replaces_another(tmp_path: Path) -> None:
    for name, text in (("staged", "new"), ("final", "old")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(text)
    with pytest.raises(FileExistsError):
        move_into_place(tmp_path / "staged", tmp_path / "final")
    assert (tmp_path / "final" / "file").read_text() == "old"


def test_a_staged_directory_moves_whole(tmp_path: Path) -> None:
    (tmp_path / "staged" / "inner").mkdir(parents=True)
    (tmp_path / "staged" / "inner" / "file").write_text("new")
    move_into_place(tmp_path / "staged", tmp_path / "a" / "final")
    assert (tmp_path / "a" / "final" / "inner" / "file").read_text() == "new"
    assert not (tmp_path / "staged").exists()


def test_a_write_replaces_the_content(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x" / "file", b"one")
    write_atomically(tmp_path / "x" / "file", b"two")
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["file"]
    assert (tmp_path / "x" / "file").read_bytes() == b"two"
