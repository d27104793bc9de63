"""Writes after which a crash leaves either the old state or the new one."""

import os
from pathlib import Path


def fsync_directory(directory: Path) -> None:
    """Make renames and new names inside a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file's content so that a reader sees all of the old or all of the new.

    The content is on disk before the name points to it, and the name is on disk on return.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}.tmp")
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
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.exists():
        raise FileExistsError(f"{final} exists already")
    staged.rename(final)
    fsync_directory(final.parent)
