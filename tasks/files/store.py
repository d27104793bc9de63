"""Stores: finished directories at a URL, so that the next step can run on another machine."""

import datetime as dt
import fcntl
import hashlib
import os
import shutil
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

    def listing(self) -> dict[str, str]:
        """Every file, by its name in the store, and a mark that changes with its content.

        The mark of a file on a disk is its inode, length and time; elsewhere it is its ETag. What
        begins with a dot is being written, and is left out.

        Raises:
            StoreError: If the store cannot be read.
        """
        with self._said():
            if self._is_local:
                return dict(_listed_locally(Path(self.root)))
            found = self.files.find(self.root, detail=True)
        named = {path.removeprefix(f"{self.root}/"): facts["ETag"] for path, facts in found.items()}
        return {name: mark for name, mark in named.items() if "/." not in f"/{name}"}

    def files_in(self, folder: str) -> list[str]:
        """Names of the files directly in a folder, in order; none if there is no such folder.

        Raises:
            StoreError: If the store cannot be read.
        """
        with self._said():
            found = self.files.find(f"{self.root}/{folder}", maxdepth=1)
        return sorted(path.rpartition("/")[2] for path in found)

    def read(self, name: str) -> bytes | None:
        """A file's content, or None if there is no such file.

        Raises:
            StoreError: If the store cannot be read.
        """
        with self._said():
            try:
                content: bytes = self.files.cat_file(f"{self.root}/{name}")
            except FileNotFoundError:
                return None
        return content

    def create(self, name: str, content: bytes) -> bool:
        """Write a file that must not exist; whether it did not.

        Raises:
            StoreError: If the store cannot be written.
        """
        return self._create(name, content)

    def write(self, name: str, content: bytes) -> None:
        """Replace a file; a reader sees the old content or the new.

        Raises:
            StoreError: If the store cannot be written.
        """
        with self._said():
            if self._is_local:
                write_atomically(Path(self.root, name), content)
            else:
                self.files.pipe_file(f"{self.root}/{name}", content)

    def replace(self, name: str, before: bytes | None, content: bytes) -> bool:
        """Replace a file that nobody has changed meanwhile.

        Args:
            name: Its name.
            before: What it was when it was read; None if it did not exist.
            content: What it becomes.

        Returns:
            Whether it still was what it was; if not, nothing was written.

        Raises:
            StoreError: If the store cannot be used.
        """
        if before is None:
            return self._create(name, content)
        with self._said():
            if self._is_local:
                return _replace_locally(Path(self.root, name), before, content)
            return self._replace_remotely(f"{self.root}/{name}", before, content)

    def copy(self, name: str, to: str) -> bool:
        """Make a file appear under another name as well; on a disk both share their space.

        Returns:
            Whether the file is there.

        Raises:
            StoreError: If the store refuses.
        """
        with self._said():
            try:
                if self._is_local:
                    _link_locally(Path(self.root, name), Path(self.root, to))
                else:
                    self.files.cp_file(f"{self.root}/{name}", f"{self.root}/{to}")
            except FileNotFoundError:
                return False
        return True

    def remove_file(self, name: str) -> None:
        """Remove a file, if it is there, and a folder on a disk that is empty then.

        Raises:
            StoreError: If the store refuses.
        """
        with self._said():
            with suppress(FileNotFoundError):
                self.files.rm_file(f"{self.root}/{name}")
            if self._is_local:
                for folder in list(PurePosixPath(name).parents)[:-1]:
                    with suppress(OSError):  # of one that is not empty
                        Path(self.root, folder).rmdir()

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

    def _replace_remotely(self, path: str, before: bytes, content: bytes) -> bool:
        bucket, _, key = path.partition("/")
        facts = self.files.info(path)
        if self.files.cat_file(path) != before:
            return False
        try:
            self.files.call_s3(
                "put_object", Bucket=bucket, Key=key, Body=content, IfMatch=facts["ETag"]
            )
        except (ClientError, OSError) as error:
            if _is_precondition(error):
                return False
            raise
        return True

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


def _listed_locally(root: Path) -> Iterator[tuple[str, str]]:
    for folder, inner, files in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            with suppress(FileNotFoundError):  # another has removed it
                facts = path.stat()
                if not name.startswith("."):
                    mark = f"{facts.st_ino}-{facts.st_size}-{facts.st_mtime_ns}"
                    yield path.relative_to(root).as_posix(), mark


def _is_precondition(error: BaseException) -> bool:
    """Whether a conditional write was refused because somebody else had written."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ClientError):
        cause = cause.__cause__ or cause.__context__
    codes = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
    return cause is not None and cause.response["Error"]["Code"] in codes


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


def _replace_locally(path: Path, before: bytes, content: bytes) -> bool:
    """The lock lies on the folder and dies with the process."""
    lock = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _read(path) != before:
            return False
        write_atomically(path, content)
    finally:
        os.close(lock)
    return True


def _link_locally(path: Path, to: Path) -> None:
    """A hard link in place of what was there, or a copy where the disk has no links."""
    make_directories(to.parent)
    staged = to.with_name(f".{to.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        try:
            os.link(path, staged)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(path, staged)
        staged.replace(to)  # which leaves both where they are one file already
    finally:
        staged.unlink(missing_ok=True)
    fsync_directory(to.parent)
