"""Where files lie, how they are written so that a crash leaves the old or the new, manifests."""

from tasks.files.atomic import (
    fsync_directory,
    make_directories,
    move_into_place,
    write_atomically,
)
from tasks.files.layout import Layout
from tasks.files.manifest import (
    FileError,
    read_manifest,
    sha256_of,
    verify_files,
    write_manifest,
)

__all__ = [
    "FileError",
    "Layout",
    "fsync_directory",
    "make_directories",
    "move_into_place",
    "read_manifest",
    "sha256_of",
    "verify_files",
    "write_atomically",
    "write_manifest",
]
