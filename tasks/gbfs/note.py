"""Notes that all processes of the machine share: one small JSON file each, used under a lock."""

import fcntl
import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BYTES = 256
"""A note is padded to one length, so that a new one covers the old one whole."""


class Note(dict[str, float]):
    """Numbers by name; what was never noted is 0."""

    def __missing__(self, name: str) -> float:
        return 0.0


def is_noted(directory: Path, name: str) -> bool:
    """Whether there ever was a note; asking costs less than reading it."""
    return _path(directory, name).exists()


@contextmanager
def shared_note(directory: Path, name: str) -> Iterator[Note]:
    """A note that nobody else reads or writes meanwhile; what is changed in it is kept.

    Args:
        directory: Folder of the notes; made if need be.
        name: What the note is about. It never becomes a path: the file is named by its hash.

    Raises:
        OSError: If the note cannot be read or written, on a full disk for instance.
    """
    directory.mkdir(parents=True, exist_ok=True)
    file = os.open(_path(directory, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        note = _read(os.pread(file, _BYTES, 0))
        before = dict(note)
        yield note
        if note != before:
            os.pwrite(file, json.dumps(note).ljust(_BYTES).encode(), 0)
    finally:
        os.close(file)


def _path(directory: Path, name: str) -> Path:
    return directory / hashlib.sha256(name.encode()).hexdigest()[:32]


def _read(text: bytes) -> Note:
    """The numbers in a text; nonsense is no note."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return Note()
    if not isinstance(found, dict):
        return Note()
    numbers = {name: value for name, value in found.items() if type(value) in (int, float)}
    return Note({name: value for name, value in numbers.items() if math.isfinite(value)})
