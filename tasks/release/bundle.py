"""The release directory: staged beside its place, then moved there, never over another."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from tasks.files import move_into_place, read_manifest, sha256_of, verify_files, write_manifest
from tasks.release.descriptions import DESCRIPTIONS, descriptions
from tasks.release.formats.sums import write_sums
from tasks.release.manifest import FileFacts, PublicManifest
from tasks.release.page import render_page, render_page_of_ends
from tasks.release.rows import write_rows
from tasks.release.tables import published_table
from tasks.release.words import file_order

PAGE = "index.html"
DOCUMENTS = (*DESCRIPTIONS, PAGE)
"""What is made of the manifest and the rows; all other files are data, or sums."""
_Manifest = Callable[[dict[str, FileFacts]], PublicManifest]


def published(releases: Path) -> Path | None:
    """The directory of a day's first revision, whole and unaltered, or None before it exists.

    Args:
        releases: Directory of the day's revisions.

    Raises:
        FileError: If a file of it is missing or was altered.
    """
    final = releases / "r1"
    if (manifest := read_manifest(final)) is None:
        return None
    verify_files(final, manifest)
    return final


def publish_first(
    releases: Path,
    rows: Mapping[str, pa.Table],
    manifest_of: _Manifest,
    write_more: Callable[[Path], Sequence[str]] = lambda directory: (),
) -> Path:
    """Publish revision r1 of a day, once.

    A crash at any instant leaves no `r1` or a whole one. What a crashed run staged is removed by
    the next.

    Args:
        releases: Directory of the day's revisions.
        rows: Synthetic rows of each table, columns as in `tasks.release.tables.SCHEMAS`.
        manifest_of: Makes the public manifest, given the facts of the data files.
        write_more: Writes further data files into a directory and returns their names.

    Returns:
        The release's directory: this one, or that of whoever was first.

    Raises:
        FileError: If the day is published and a file of the release was altered.
        ReleaseError: If the manifest cannot be made.
    """
    with _only_publisher(releases) as staged:
        if (first := published(releases)) is not None:
            return first
        tables = {name: published_table(table, name) for name, table in rows.items()}
        _write(staged, tables, manifest_of, write_more(staged))
        move_into_place(staged, releases / "r1")
    return releases / "r1"


@contextmanager
def _only_publisher(releases: Path) -> Iterator[Path]:
    """An empty staging directory for the one process that may publish this region now.

    The lock lies on the region's directory and dies with the process, so whatever is staged when
    it is taken was left by a crash.
    """
    region = releases.parent
    region.mkdir(parents=True, exist_ok=True)
    prefix = f".{releases.name}.staged-"
    lock = os.open(region, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left_over in region.glob(f"{prefix}*"):
            shutil.rmtree(left_over)
        staged = region / f"{prefix}{os.getpid()}"
        staged.mkdir()
        try:
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    finally:
        os.close(lock)


def _write(
    directory: Path,
    tables: Mapping[str, pa.Table],
    manifest_of: _Manifest,
    more: Sequence[str],
) -> None:
    data = [*write_rows(tables, directory), *more]
    manifest = manifest_of({name: _facts(directory / name) for name in data})
    made = documents(manifest, tables)
    for name, content in made.items():
        (directory / name).write_bytes(content)
    written = [*data, *made]
    sums = write_sums(directory, written)
    write_manifest(directory, manifest.fields(), (*written, sums))


def documents(manifest: PublicManifest, tables: Mapping[str, pa.Table]) -> dict[str, bytes]:
    """Page and descriptions, which say what the manifest and the rows say, and nothing else.

    Args:
        manifest: The public manifest; its `files` are the data files.
        tables: The published rows.

    Returns:
        The content of each, by file name.
    """
    ordered = {name: manifest.files[name] for name in sorted(manifest.files, key=file_order)}
    manifest = manifest.model_copy(update={"files": ordered})
    if manifest.is_of_ends:
        page = render_page_of_ends(manifest, tables)
    else:
        page = render_page(manifest, tables["trips"])
    texts = {**descriptions(manifest), PAGE: page}
    return {name: text.encode() for name, text in texts.items()}


def _facts(path: Path) -> FileFacts:
    return FileFacts(bytes=path.stat().st_size, sha256=sha256_of(path))
