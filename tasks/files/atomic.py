"""Writes after which a crash leaves either the old state or the new one."""

import os
import threading
from contextlib import suppress
from pathlib import Path


def fsync_directory(directory: Path) -> None:
    """Make renames and new names inside a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directories(path: Path) -> None:
    """Make a directory and those above it; their names are on disk on return.

    Each name is made durable before the next one is made below it. So when a process died in
    here, only the lowest name can be missing from the disk, and that is the one renewed first.
    """
    if not path.parent.is_dir():
        make_directories(path.parent)
    path.mkdir(exist_ok=True)
    with suppress(PermissionError):  # of a directory that is not ours to read, nor to sync
        fsync_directory(path.parent)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file's content so that a reader sees all of the old or all of the new.

    The content is on disk before the name points to it, and the name is on disk on return.
    """
    make_directories(path.parent)
    staged = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    with staged.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    staged.replace(path)
    fsync_directory(path.parent)


def move_into_place(staged: Path, final: Path) -> None:
    """Move a finished directory to its final name, durably, and never over an existing one.

    Raises:
        FileExistsError: If the final name is taken.
    """
    for path in sorted(staged.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        else:
            fsync_directory(path)
    fsync_directory(staged)
    make_directories(final.parent)
    if final.exists():
        raise FileExistsError(f"{final} exists already")
    staged.rename(final)
    fsync_directory(final.parent)
