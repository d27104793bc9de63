import multiprocessing
import time
from itertools import pairwise
from pathlib import Path

from tasks.gbfs.turn import MAX_QUEUE_SECONDS, HostTurns


def take(directory: Path, host: str, count: int) -> list[float]:
    """The moments of some turns; nothing is waited for in truth."""
    waits: list[float] = []
    moments = []
    turns = HostTurns(directory, 3, waits.append)
    for _ in range(count):
        waits.clear()
        now = time.time()
        turns.take(host)
        moments.append(now + sum(waits))
    return moments


def test_requests_to_one_host_keep_a_distance(tmp_path: Path) -> None:
    moments = take(tmp_path / "hosts", "feed.example", 4)
    assert all(2.5 < after - before < 3.5 for before, after in pairwise(moments))
    # another host is not concerned
    assert take(tmp_path / "hosts", "other.example", 1)[0] < time.time() + 1


def test_processes_share_the_turns(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        taken = pool.starmap(take, [(tmp_path, "feed.example", 5)] * 3)
    moments = sorted(moment for each in taken for moment in each)
    assert len(moments) == 15
    assert all(b - a > 2.5 for a, b in pairwise(moments))


def test_this_machine_is_not_spared(tmp_path: Path) -> None:
    directory = tmp_path / "hosts"
    take(directory, "127.0.0.1", 3)
    assert not directory.exists()


def test_a_host_never_becomes_a_path(tmp_path: Path) -> None:
    directory = tmp_path / "hosts"
    for host in ("../../evil", "/etc/passwd", "a" * 5000, "x\0y"):
        take(directory, host, 1)
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {directory}
    assert all(len(path.name) == 32 for path in directory.iterdir())


def test_nonsense_in_the_file_stops_nobody(tmp_path: Path) -> None:
    take(tmp_path, "feed.example", 1)
    (file,) = tmp_path.iterdir()
    for text in ("", "nan", "inf", "soon", f"{time.time() + MAX_QUEUE_SECONDS + 100:020.6f}"):
        file.write_text(text)
        assert take(tmp_path, "feed.example", 1)[0] < time.time() + 1
    blocked = tmp_path / "file"
    blocked.write_text("")
    take(blocked / "below", "feed.example", 1)  # no folder can be made there
