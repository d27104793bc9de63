from pathlib import Path

import pytest

from tasks.files import FileError, read_manifest, verify_files, write_manifest


def finished(directory: Path) -> Path:
    (directory / "a.bin").write_bytes(b"abc")
    write_manifest(directory, {"kind": "test"}, ["a.bin"])
    return directory


def test_a_directory_without_a_manifest_is_unfinished(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None


def test_a_manifest_names_every_file_with_its_hash(tmp_path: Path) -> None:
    manifest = read_manifest(finished(tmp_path))
    assert manifest is not None
    assert manifest["kind"] == "test"
    assert manifest["files"]["a.bin"]["sha256"].startswith("ba7816bf")  # FIPS 180-2, "abc"
    verify_files(tmp_path, manifest)


def test_an_altered_or_missing_file_is_named(tmp_path: Path) -> None:
    manifest = read_manifest(finished(tmp_path))
    assert manifest is not None
    (tmp_path / "a.bin").write_bytes(b"abd")
    with pytest.raises(FileError, match=r"a\.bin: differs"):
        verify_files(tmp_path, manifest)
    (tmp_path / "a.bin").unlink()
    with pytest.raises(FileError, match=r"a\.bin: named in the manifest but missing"):
        verify_files(tmp_path, manifest)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_broken_manifest_gives_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(FileError, match=r"manifest\.json"):
        read_manifest(tmp_path)
