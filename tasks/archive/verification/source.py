"""Where a published release is read from: a folder, or an address from which it is fetched."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
from urllib3.exceptions import HTTPError

from tasks.archive.errors import ArchiveError
from tasks.files.manifest import MANIFEST, parse_manifest
from tasks.release.formats.sums import SUMS
from tasks.release.withdrawal import WITHDRAWAL

_LARGEST_DOCUMENT = 64_000_000
_TIMEOUT_S = 60
_CHUNK = 1 << 18
_PLACE = re.compile(
    r"(?:^|/)(?P<region>[a-z0-9][a-z0-9_-]*)/(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})/r(?P<number>[1-9][0-9]*)$"
)


@dataclass(frozen=True)
class Place:
    """What the path of a release says it is."""

    region: str
    day: str
    revision: int

    @property
    def path(self) -> str:
        """The path in its archive."""
        return f"{self.region}/{self.day}/r{self.revision}"


@dataclass(frozen=True)
class Source:
    """A published release and what lies around it.

    Attributes:
        folder: Its files, here; those that could not be had are not in it.
        base: Folder or address of the release, with a slash at its end.
        is_listed: Whether all files of the release are known, and not only those that it names.
    """

    folder: Path
    base: str
    is_listed: bool

    @property
    def place(self) -> Place | None:
        """Region, day and revision by the path; None if it does not say."""
        match = _PLACE.search(self.base.rstrip("/"))
        return match and Place(match["region"], match["day"], int(match["number"]))

    def beside(self, path: str) -> bytes | None:
        """A file of the archive around the release, such as `../r1/manifest.json`; None if absent.

        Raises:
            ArchiveError: If the server does not answer.
        """
        if self.is_listed:
            found = self.folder / path
            return found.read_bytes() if found.is_file() else None
        return _fetch(urljoin(self.base, path), _LARGEST_DOCUMENT)


@contextmanager
def opened(where: str) -> Iterator[Source]:
    """A release at a folder or at an address; what is fetched is removed again.

    Args:
        where: A folder, or an address over HTTP; its manifest or its page may be named as well.

    Raises:
        ArchiveError: If no release lies there, or the server does not answer.
        FileError: If its manifest is none.
    """
    for name in (MANIFEST, "index.html"):
        where = where.removesuffix(f"/{name}")
    if where.startswith(("http://", "https://")):
        base = where.rstrip("/") + "/"
        with tempfile.TemporaryDirectory(prefix="opentrips-verify-") as folder:
            _bring(base, Path(folder))
            yield Source(Path(folder), base, is_listed=False)
        return
    here = Path(where)
    if not (here / MANIFEST).is_file():
        raise ArchiveError(f"{where}: no release there, for it has no {MANIFEST}")
    yield Source(here, f"{here.resolve().as_posix()}/", is_listed=True)


def named_files(manifest: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """The files that a manifest names.

    Raises:
        ArchiveError: If a name leads elsewhere, or lengths or hashes are none.
    """
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(
        isinstance(facts, dict)
        and isinstance(facts.get("bytes"), int)
        and isinstance(facts.get("sha256"), str)
        and Path(name).name == name not in ("", "..")
        for name, facts in files.items()
    ):
        raise ArchiveError(f"{where}: does not name files beside it with lengths and hashes")
    return files


def _bring(base: str, folder: Path) -> None:
    content = _fetch(base + MANIFEST, _LARGEST_DOCUMENT)
    if content is None:
        raise ArchiveError(f"{base}: no release there, for it has no {MANIFEST}")
    (folder / MANIFEST).write_bytes(content)
    files = named_files(parse_manifest(content, base + MANIFEST), base + MANIFEST)
    wanted = {name: facts["bytes"] for name, facts in files.items()}
    for name, most in {**wanted, WITHDRAWAL: _LARGEST_DOCUMENT, SUMS: _LARGEST_DOCUMENT}.items():
        # one byte more than is due shows that it is too long; a notice may stand before a page
        _fetch_to(base + name, folder / name, max(most + 1, _LARGEST_DOCUMENT))


def _fetch(address: str, most: int) -> bytes | None:
    with tempfile.TemporaryDirectory(prefix="opentrips-verify-") as folder:
        path = Path(folder, "document")
        _fetch_to(address, path, most)
        return path.read_bytes() if path.exists() else None


def _fetch_to(address: str, path: Path, most: int) -> None:
    """Write what lies at an address to a file, at most so many bytes; nothing if it is absent."""
    try:
        with requests.get(
            address, stream=True, timeout=_TIMEOUT_S, headers={"Accept-Encoding": "identity"}
        ) as answer:
            if answer.status_code in (403, 404, 410):
                return
            answer.raise_for_status()
            with path.open("wb") as file:
                while most > 0 and (chunk := answer.raw.read(min(_CHUNK, most))):
                    most -= file.write(chunk)
    except (requests.RequestException, HTTPError) as error:
        raise ArchiveError(f"{address}: cannot be fetched: {error}") from error
