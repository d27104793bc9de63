"""The hashes, as `sha256sum` checks them."""

import json
import subprocess
from pathlib import Path


def check(release: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=release,
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_files_are_checked_but_sums_and_manifest(release: Path) -> None:
    said = check(release)
    assert (said.returncode, said.stderr) == (0, "")
    checked = {line.removesuffix(": OK") for line in said.stdout.splitlines()}
    assert checked == {path.name for path in release.iterdir()} - {"SHA256SUMS", "manifest.json"}
    manifest = json.loads((release / "manifest.json").read_bytes())
    assert set(manifest["files"]) == {*checked, "SHA256SUMS"}


def test_an_altered_file_is_named(release: Path) -> None:
    licence = release / "LICENSE"
    licence.write_text(licence.read_text() + " or not")
    said = check(release)
    assert said.returncode == 1
    assert "LICENSE: FAILED" in said.stdout
