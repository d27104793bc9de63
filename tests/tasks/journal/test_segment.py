import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.journal.segment import HEADER_BYTES, MAGIC, SegmentWriter, repair, scan

PAYLOADS = [b"first", b"", b"third" * 20]


def written(path: Path, payloads: list[bytes] = PAYLOADS) -> bytes:
    writer = SegmentWriter(path)
    for payload in payloads:
        writer.append(payload)
    writer.close()
    return path.read_bytes()


def payloads(path: Path) -> list[bytes]:
    content = path.read_bytes()
    return [content[offset : offset + length] for offset, length in scan(path).payloads]


def test_what_is_appended_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.segment"
    content = written(path)
    assert payloads(path) == PAYLOADS
    found = scan(path)
    assert (found.end, found.size, found.is_damaged) == (len(content), len(content), False)
    assert repair(path) is None


def test_a_segment_is_begun_once(tmp_path: Path) -> None:
    written(tmp_path / "a.segment")
    with pytest.raises(FileExistsError):
        SegmentWriter(tmp_path / "a.segment")


def test_a_tail_torn_at_any_byte_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.segment"
    content = written(path)
    kept = len(content) - len(PAYLOADS[-1]) - HEADER_BYTES
    for length in range(kept + 1, len(content)):
        path.write_bytes(content[:length])
        found = scan(path)
        assert (len(found.payloads), found.end, found.is_damaged) == (2, kept, False)
        assert repair(path) is None
        assert path.read_bytes() == content[:kept]
    assert [file.name for file in tmp_path.iterdir()] == ["a.segment"]


def test_damage_at_any_byte_sets_the_rest_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.segment"
    content = written(path)
    ends = [0]
    for payload in PAYLOADS:
        ends.append(ends[-1] + HEADER_BYTES + len(payload))
    for index in range(len(content)):
        damaged = bytearray(content)
        damaged[index] ^= 0x10
        path.write_bytes(damaged)
        good = max(end for end in ends if end <= index)
        assert scan(path).is_damaged
        aside = repair(path)
        assert aside is not None
        assert aside.read_bytes() == damaged[good:]
        assert path.read_bytes() == content[:good]
        assert payloads(path) == PAYLOADS[: ends.index(good)]
        aside.unlink()


def test_damage_in_the_middle_is_not_taken_for_a_torn_tail(tmp_path: Path) -> None:
    path = tmp_path / "a.segment"
    content = written(path)
    path.write_bytes(content[: HEADER_BYTES + 2] + content[HEADER_BYTES + 5 :])
    assert scan(path).is_damaged


def test_zeros_that_a_power_cut_left_are_no_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.segment"
    content = written(path)
    path.write_bytes(content + bytes(4096))
    assert payloads(path) == PAYLOADS
    aside = repair(path)
    assert aside is not None
    assert path.read_bytes() == content


@given(st.binary(max_size=100) | st.binary(max_size=40).map(lambda tail: MAGIC + tail))
def test_no_bytes_make_the_scan_fail(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.segment"
        path.write_bytes(content)
        found = scan(path)
    assert found.size == len(content)
    assert found.payloads == ()


def test_after_a_failed_write_the_frame_is_taken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.segment"
    writer = SegmentWriter(path)
    writer.append(b"first")
    whole = path.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        writer.append(b"second")
    assert path.read_bytes() == whole
