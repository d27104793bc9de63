"""The release directory: staged beside its place, then moved there, never over another."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.files import move_into_place, sha256_of, write_manifest
from tasks.region.ways import WAYS, load_ways
from tasks.release.claims import check_claims
from tasks.release.descriptions import DESCRIPTIONS, descriptions
from tasks.release.errors import ReleaseError
from tasks.release.formats.json_ld import json_ld
from tasks.release.formats.sums import write_sums
from tasks.release.listing import PAGE
from tasks.release.manifest import FileFacts, PublicManifest
from tasks.release.page import render_page
from tasks.release.revisions import published, revision_number
from tasks.release.rows import write_rows
from tasks.release.tables import published_table
from tasks.release.words import file_order

DOCUMENTS = (*DESCRIPTIONS, PAGE)
"""What is made of the manifest and the rows; all other files are data, or sums."""
INTERVALS = "intervals.parquet"
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
        ReleaseError: If the manifest cannot be made, or a document claims too much.
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
        ReleaseError: If the day is not published, the manifest cannot be made, or a document
            claims too much.
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
    data = [*write_rows(tables, directory), *more]
    manifest = manifest_of({name: _facts(directory / name) for name in data})
    made = documents(manifest, tables, directory)
    beside = {name: (directory / name).read_bytes() for name in more if name.endswith(".html")}
    check_claims({**made, **beside}, manifest, PAGE)
    for name, content in made.items():
        (directory / name).write_bytes(content)
    written = [*data, *made]
    sums = write_sums(directory, written)
    write_manifest(directory, manifest.fields(), (*written, sums))


def documents(
    manifest: PublicManifest, tables: Mapping[str, pa.Table], directory: Path
) -> dict[str, bytes]:
    """Page and descriptions, which say what manifest and data say, and nothing else.

    Args:
        manifest: The public manifest; its `files` are the data files.
        tables: The published rows.
        directory: Where the data files lie.

    Returns:
        The content of each, by file name.
    """
    ordered = {name: manifest.files[name] for name in sorted(manifest.files, key=file_order)}
    manifest = manifest.model_copy(update={"files": ordered})
    described = {name: text.encode() for name, text in descriptions(manifest).items()}
    facts = {
        name: FileFacts(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in described.items()
    }
    return {**described, PAGE: _page(manifest, tables, directory, facts).encode()}


def _page(
    manifest: PublicManifest,
    tables: Mapping[str, pa.Table],
    directory: Path,
    facts: Mapping[str, FileFacts],
) -> str:
    """The page, with error bars and roads where there are some."""
    drawn = dict(tables)
    if INTERVALS in manifest.files:
        drawn["intervals"] = pq.read_table(directory / INTERVALS)
    ways = load_ways(directory / WAYS) if WAYS in manifest.files else None
    return render_page(manifest, drawn, ways=ways, described=json_ld(manifest), documents=facts)


def _facts(path: Path) -> FileFacts:
    return FileFacts(bytes=path.stat().st_size, sha256=sha256_of(path))
