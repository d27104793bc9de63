"""The release directory: staged beside its place, then moved there, never over another."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa

from tasks.files import move_into_place, sha256_of, write_manifest
from tasks.release.card import render_card
from tasks.release.errors import ReleaseError
from tasks.release.manifest import FileFacts, PublicManifest
from tasks.release.page import render_page, render_page_of_ends
from tasks.release.revisions import published, revision_number
from tasks.release.tables import published_table, write_csv, write_parquet
from tasks.release.words import file_order

CARD = "README.md"
PAGE = "index.html"
DOCUMENTS = (CARD, PAGE)
"""What is made of the manifest and the rows; all other files are data."""
_Manifest = Callable[[dict[str, FileFacts]], PublicManifest]
_Write = Callable[[Path], Sequence[str]]


def publish_first(
    releases: Path,
    rows: Mapping[str, pa.Table],
    manifest_of: _Manifest,
    write_more: _Write = lambda directory: (),
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
        return _publish(releases / "r1", staged, rows, manifest_of, write_more)


def publish_revision(
    releases: Path,
    rows: Mapping[str, pa.Table],
    manifest_of: Callable[[Path, dict[str, FileFacts]], PublicManifest],
    write_more: _Write,
) -> Path:
    """Publish the next revision of a published day, beside those before, which stay as they are.

    Args:
        releases: Directory of the day's revisions.
        rows: Synthetic rows of each table, as for `publish_first`.
        manifest_of: Makes the public manifest, given the directory of the revision before and the
            facts of the data files.
        write_more: As for `publish_first`.

    Returns:
        The revision's directory.

    Raises:
        FileError: If a file of the revision before was altered.
        ReleaseError: If the day is not published, or the manifest cannot be made.
    """
    with _only_publisher(releases) as staged:
        if (before := published(releases)) is None:
            raise ReleaseError(f"{releases}: nothing is published; release the day first")
        number = (revision_number(before.name) or 0) + 1
        of_before = partial(manifest_of, before)
        return _publish(releases / f"r{number}", staged, rows, of_before, write_more)


def _publish(
    final: Path,
    staged: Path,
    rows: Mapping[str, pa.Table],
    manifest_of: _Manifest,
    write_more: _Write,
) -> Path:
    tables = {name: published_table(table, name) for name, table in rows.items()}
    _write(staged, tables, manifest_of, write_more(staged))
    move_into_place(staged, final)
    return final


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
    files = []
    for name, table in tables.items():
        write_parquet(table, directory / f"{name}.parquet")
        write_csv(table, directory / f"{name}.csv.gz")
        files += [f"{name}.parquet", f"{name}.csv.gz"]
    files += more
    manifest = manifest_of({name: _facts(directory / name) for name in files})
    made = documents(manifest, tables)
    for name, content in made.items():
        (directory / name).write_bytes(content)
    write_manifest(directory, manifest.fields(), (*files, *made))


def documents(manifest: PublicManifest, tables: Mapping[str, pa.Table]) -> dict[str, bytes]:
    """The card and the page, which say what the manifest and the rows say, and nothing else.

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
    return {CARD: render_card(manifest).encode(), PAGE: page.encode()}


def _facts(path: Path) -> FileFacts:
    return FileFacts(bytes=path.stat().st_size, sha256=sha256_of(path))
