"""Stores: finished directories at a URL, so that the next step can run on another machine."""

import datetime as dt
import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import fsspec
from botocore.exceptions import BotoCoreError, ClientError

from tasks import OpentripsError
from tasks.files.atomic import fsync_directory, make_directories, write_atomically
from tasks.files.manifest import MANIFEST, FileError, parse_manifest, sha256_of

CLAIM = ".{name}.claim"
"""Beside a directory that is published once: the SHA-256 of the manifest it will have."""


class StoreError(OpentripsError, OSError):
    """A store cannot be reached, refuses, or holds what it should not; a second try may help."""


@dataclass(frozen=True)
class Store:
    """A tree of finished directories at a URL.

    A directory is finished once it has its manifest, which is written last, and never over another:
    of two who write at the same time one is told. Files are read and written through fsspec.

    Attributes:
        url: Where it lies, as the user wrote it.
        files: The file system of the URL.
        root: Path of the tree in it.
    """

    url: str
    files: Any
    root: str

    @classmethod
    def at(cls, url: str) -> Self:
        """The store at a URL.

        Args:
            url: `file:///FOLDER`, or `s3://BUCKET/PREFIX?profile=NAME`: a profile of the AWS
                configuration files has keys and, where it is not Amazon's, the `endpoint_url`.

        Raises:
            StoreError: If the URL is of another kind.
        """
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        if parts.scheme == "file" and parts.path.startswith("/") and not options:
            return cls(url, fsspec.filesystem("file"), parts.path.rstrip("/"))
        if parts.scheme == "s3" and parts.netloc and set(options) <= {"profile"}:
            files = fsspec.filesystem("s3", use_listings_cache=False, **options)
            return cls(url, files, (parts.netloc + parts.path).rstrip("/"))
        raise StoreError(
            f"{url}: no store; write file:///FOLDER or s3://BUCKET/PREFIX?profile=NAME"
        )

    def names(self, folder: str) -> list[str]:
        """Names of the finished directories anywhere below a folder, in order.

        Raises:
            StoreError: If the store cannot be read.
        """
        with self._said():
            found = self.files.find(f"{self.root}/{folder}")
        ending = f"/{MANIFEST}"
        return sorted(
            path.removeprefix(f"{self.root}/").removesuffix(ending)
            for path in found
            if path.endswith(ending)
        )

    def manifest(self, name: str) -> bytes | None:
        """The manifest of a directory, or None if there is no finished one of that name.

        Raises:
            StoreError: If the store cannot be read.
        """
        with self._said():
            try:
                content: bytes = self.files.cat_file(f"{self.root}/{name}/{MANIFEST}")
            except FileNotFoundError:
                return None
        return content

    def fetch(self, name: str, directory: Path) -> bool:
        """Bring a finished directory here, unless it is here; what else lies there stays.

        A crash leaves the directory without a manifest, or whole.

        Args:
            name: Its name in the store.
            directory: Where it goes.

        Returns:
            Whether the store has it.

        Raises:
            StoreError: If the store cannot be read, or a file is not what its manifest says.
            FileError: If the manifest is none.
        """
        content = self.manifest(name)
        if content is None:
            return False
        if _read(directory / MANIFEST) == content:
            return True
        make_directories(directory)
        (directory / MANIFEST).unlink(missing_ok=True)
        for file, facts in self._parsed(name, content)["files"].items():
            if not _is_whole(directory / file, facts["sha256"]):
                self._download(name, file, directory, facts["sha256"])
        fsync_directory(directory)
        write_atomically(directory / MANIFEST, content)
        return True

    def keep(self, name: str, directory: Path) -> None:
        """Store a finished directory; one of that name that differs is replaced.

        Raises:
            StoreError: If the store cannot be written, or another did so at the same time.
        """
        content, before = (directory / MANIFEST).read_bytes(), self.manifest(name)
        if before == content:
            return
        stored: Mapping[str, Any] = {}
        if before is not None:
            stored = self._parsed(name, before)["files"]
            with self._said():
                self.files.rm_file(f"{self.root}/{name}/{MANIFEST}")
        self._upload(name, directory, content, stored)
        if not self._create(f"{name}/{MANIFEST}", content):
            raise StoreError(
                f"{self.url}: {name} was stored by another as well; run the step again"
            )

    def publish(self, name: str, directory: Path) -> bool:
        """Store a finished directory once and for all.

        Whoever claims the name first writes, and only they; so two who publish at the same time
        never mix their files, and one who crashed goes on.

        Args:
            name: Its name in the store.
            directory: The directory.

        Returns:
            Whether this very directory is the one published; False if another was first.

        Raises:
            StoreError: If the store cannot be written, or whoever was first has not finished.
        """
        content = (directory / MANIFEST).read_bytes()
        if (before := self.manifest(name)) is not None:
            return before == content
        claim = str(PurePosixPath(name).with_name(CLAIM.format(name=PurePosixPath(name).name)))
        own = hashlib.sha256(content).hexdigest().encode()
        if not self._create(claim, own):
            with self._said():
                first = self.files.cat_file(f"{self.root}/{claim}")
            if first != own:
                if (before := self.manifest(name)) is not None:
                    return before == content
                raise StoreError(
                    f"{self.url}: {name} is being published by another; run the step again when "
                    f"that is done, or remove {claim} if it never will be"
                )
        self._upload(name, directory, content, {})
        self._create(f"{name}/{MANIFEST}", content)
        return True

    def folders(self, folder: str) -> dict[str, dt.datetime]:
        """What lies directly in a folder and holds files, finished or not.

        Args:
            folder: Its name in the store.

        Returns:
            For each name in the folder the moment in which the newest file was stored, UTC.

        Raises:
            StoreError: If the store cannot be read.
        """
        root, newest = f"{self.root}/{folder}/", dict[str, dt.datetime]()
        with self._said():
            for path, facts in self.files.find(root, detail=True).items():
                name, _, below = path.removeprefix(root).partition("/")
                moment = _stored_at(facts)
                if below:
                    newest[name] = max(moment, newest.get(name, moment))
        return newest

    def remove(self, name: str) -> None:
        """Remove a directory, finished or not; the manifest goes first, so that none is half there.

        Raises:
            StoreError: If the store refuses.
        """
        with self._said():
            for path in (f"{self.root}/{name}/{MANIFEST}", f"{self.root}/{name}"):
                with suppress(FileNotFoundError):  # another was faster
                    self.files.rm(path, recursive=True)

    def _upload(
        self, name: str, directory: Path, manifest: bytes, stored: Mapping[str, Any]
    ) -> None:
        with self._said():
            if self._is_local:  # elsewhere it would make a bucket
                make_directories(Path(self.root, name))
            for file, facts in self._parsed(name, manifest)["files"].items():
                if stored.get(file) != facts:
                    self.files.put_file(str(directory / file), f"{self.root}/{name}/{file}")

    def _download(self, name: str, file: str, directory: Path, sha256: str) -> None:
        staged = directory / f".{file}.{os.getpid()}-{threading.get_ident()}.tmp"
        try:
            with self._said():
                self.files.get_file(f"{self.root}/{name}/{file}", str(staged))
            if not _is_whole(staged, sha256):
                raise StoreError(
                    f"{self.url}: {name}/{file} is not as its manifest says; restore it"
                )
            with staged.open("rb") as written:
                os.fsync(written.fileno())
            staged.replace(directory / file)
        finally:
            staged.unlink(missing_ok=True)

    def _create(self, name: str, content: bytes) -> bool:
        """Write a file that must not exist; whether it did not."""
        path = f"{self.root}/{name}"
        with self._said():
            try:
                if self._is_local:
                    _create_locally(Path(path), content)
                else:
                    self.files.pipe_file(path, content, mode="create")
            except FileExistsError:
                return False
        return True

    @property
    def _is_local(self) -> bool:
        return "file" in self.files.protocol

    def _parsed(self, name: str, manifest: bytes) -> dict[str, Any]:
        where = f"{self.url}: {name}/{MANIFEST}"
        document = parse_manifest(manifest, where)
        files = document.get("files")
        if not isinstance(files, dict) or any(Path(file).name != file for file in files):
            raise FileError(f"{where}: does not name files beside it; restore it from a backup")
        return document

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What goes wrong with the store inside the block is said in one line."""
        try:
            yield
        except (OSError, BotoCoreError, ClientError) as error:
            if isinstance(error, StoreError):
                raise
            reason = " ".join(str(error).split()) or type(error).__name__
            raise StoreError(
                f"{self.url}: the store cannot be used: {reason}; check its address, its "
                "credentials and that it is up"
            ) from error


def _stored_at(facts: Mapping[str, Any]) -> dt.datetime:
    """When a file was stored, by what its file system says of it."""
    moment = facts.get("LastModified")  # of S3; else seconds
    if isinstance(moment, dt.datetime):
        return moment.astimezone(dt.UTC)
    return dt.datetime.fromtimestamp(facts["mtime"], dt.UTC)


def _read(path: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return None


def _is_whole(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def _create_locally(path: Path, content: bytes) -> None:
    """Whole or not at all, and never over another: a link is refused where the name is taken."""
    make_directories(path.parent)
    staged = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with staged.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(staged, path)
    finally:
        staged.unlink(missing_ok=True)
    fsync_directory(path.parent)
