"""Manifests: the last file a step writes, and the proof that the others are whole."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tasks import OpentripsError
from tasks.files.atomic import write_atomically

MANIFEST = "manifest.json"


class FileError(OpentripsError):
    """A file that a manifest names is missing or altered, or the manifest itself is unreadable."""


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(directory: Path, fields: Mapping[str, Any], files: Iterable[str]) -> Path:
    """Write `manifest.json`, which names each file with its length and SHA-256.

    Call it last: a directory without a manifest is unfinished work.

    Args:
        directory: Where the files lie.
        fields: What else the manifest says; JSON values.
        files: Names of finished files in the directory.

    Returns:
        The manifest's path.
    """
    named = {
        name: {"bytes": (directory / name).stat().st_size, "sha256": sha256_of(directory / name)}
        for name in sorted(files)
    }
    document = {**fields, "files": named}
    path = directory / MANIFEST
    write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())
    return path


def read_manifest(directory: Path) -> dict[str, Any] | None:
    """The manifest of a finished directory, or None if the step has not finished.

    Raises:
        FileError: If the manifest is not a JSON object.
    """
    path = directory / MANIFEST
    return parse_manifest(path.read_bytes(), str(path)) if path.exists() else None


def parse_manifest(content: bytes, where: str) -> dict[str, Any]:
    """A manifest from its bytes.

    Args:
        content: The bytes.
        where: Where they lie, for people.

    Raises:
        FileError: If they are no JSON object.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise FileError(f"{where}: not JSON; restore it from a backup") from error
    if not isinstance(document, dict):
        raise FileError(f"{where}: not a JSON object; restore it from a backup")
    return document


def verify_files(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Check every file that the manifest names against its SHA-256.

    Raises:
        FileError: For the first file that is missing or differs.
    """
    for name, facts in manifest["files"].items():
        path = directory / name
        if not path.is_file():
            raise FileError(f"{path}: named in the manifest but missing; restore it")
        if sha256_of(path) != facts["sha256"]:
            raise FileError(f"{path}: differs from the SHA-256 in its manifest; restore it")
