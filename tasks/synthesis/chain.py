"""The chain of a region's days: which days stand behind a model, in the order of making.

Each link names its day, the hash of what was measured of it, and the link before it, and has a
hash of its own over that. What is measured of a day are noisy counts, or the weights that noisy
gradients led to. Only what was charged for is in it; a day that is filled in later enters the chain
where it is made. What was chosen stays: a model that is fitted again, and a training that goes on,
have the same days behind them. Of days that are made side by side one goes on, and what the other
measured is not carried.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.files import read_manifest, verify_files, write_atomically
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.stored import Stored
from tasks.synthesis.trip_field import MEASUREMENTS
from tasks.synthesis.trip_field.lattice import Lattice

LINK = "link.json"
START = "start.json"
T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class Carried(Protocol):
    """What a day leaves to those after it."""

    def carried(self, lattice: Lattice) -> Mapping[str, Any]:
        """What it says on a lattice; nothing if it says nothing there."""
        ...


S = TypeVar("S", bound=Carried)


class Link(BaseModel):
    """A measured day and the link before it. All of it is public.

    Attributes:
        day: The service day.
        measured: SHA-256 of its noisy counts and their description, or of its network's weights
            and theirs, which are kept with the model.
        days: How many measured days stand behind its model, itself included.
        parent: Hash of the link before it; None for the first.
        parent_day: Service day of that link.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: dt.date
    measured: str = Field(pattern="^[0-9a-f]{64}$")
    days: int = Field(ge=1)
    parent: str | None = Field(pattern="^[0-9a-f]{64}$")
    parent_day: dt.date | None

    @property
    def sha256(self) -> str:
        """Hash of this link, and so of all links before it."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """The link of a model, or None if it has none.

        Raises:
            ModelFileError: If it cannot be read.
        """
        return _read(cls, directory / LINK)


class Start(BaseModel):
    """What a training starts from, chosen before its first step. All of it is public.

    Attributes:
        fingerprint: The charge it was chosen for.
        parent: Hash of the link it starts from; None where there was none.
        parent_day: Service day of that link.
        days: How many days stand behind that link, itself included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    parent: str | None = Field(pattern="^[0-9a-f]{64}$")
    parent_day: dt.date | None
    days: int = Field(ge=0)


def take_up(
    directory: Path,
    day: dt.date,
    lattice: Lattice,
    kept: Stored,
    load_state: Callable[[Path], S],
) -> tuple[Link, S | None]:
    """Link a measured day to the newest finished one of its region, durably, or keep its link.

    Args:
        directory: The model's directory; the region's other models lie beside it.
        day: The service day.
        lattice: Of the measurements, which are stored in the directory.
        kept: How the states are stored that the day can go on from; other models have none.
        load_state: Reads one.

    Returns:
        The link, and the state that the link before it left; None if there is none, or if none of
        it says anything on the lattice of the day.

    Raises:
        ModelFileError: If a link or the state before cannot be read.
        FileError: If the model before was altered.
    """
    measured = _measured(directory, MEASUREMENTS.files)
    tells = partial(_state, lattice=lattice, kept=kept, load_state=load_state)
    link = Link.read(directory)
    if link is None or link.measured != measured:
        before, state = _newest_that_tells(directory, tells)
        if before is None:
            link = Link(day=day, measured=measured, days=1, parent=None, parent_day=None)
        else:
            link = Link(
                day=day,
                measured=measured,
                days=before.days + 1,
                parent=before.sha256,
                parent_day=before.day,
            )
        _write(directory / LINK, link)
        return link, state
    return link, _before(directory, link, tells)


def start_from(
    directory: Path, fingerprint: str, tells: Callable[[Path], T | None]
) -> tuple[Start, T | None]:
    """What a training starts from: chosen now, durably, or before its first step.

    Args:
        directory: The model's directory; the region's other models lie beside it.
        fingerprint: The charge's.
        tells: What a training can take from the model in a directory; None if nothing.

    Returns:
        The choice, and what it gives; None if nothing was there to start from.

    Raises:
        ModelFileError: If what was chosen is not there any more.
        FileError: If the model before was altered.
    """
    start = _read(Start, directory / START)
    if start is not None and start.fingerprint == fingerprint:
        return start, _before(directory, start, tells)
    before, told = _newest_that_tells(directory, tells)
    start = Start(
        fingerprint=fingerprint,
        parent=before.sha256 if before else None,
        parent_day=before.day if before else None,
        days=before.days if before else 0,
    )
    _write(directory / START, start)
    return start, told


def close(directory: Path, day: dt.date, start: Start, files: Iterable[str]) -> Link:
    """Link a day to what its training started from.

    Args:
        directory: The model's directory.
        day: The service day.
        start: As it was chosen.
        files: Names of the files in the directory that hold what the training led to.
    """
    link = Link(
        day=day,
        measured=_measured(directory, files),
        days=start.days + 1,
        parent=start.parent,
        parent_day=start.parent_day,
    )
    _write(directory / LINK, link)
    return link


def _newest_that_tells(
    directory: Path, tells: Callable[[Path], T | None]
) -> tuple[Link, T] | tuple[None, None]:
    """The link with the longest chain that tells something, and what it tells.

    Of chains as long as each other it is that of the latest day.
    """
    links = [
        _link(path.parent)
        for path in directory.parent.glob(f"*/{LINK}")
        if path.parent != directory and read_manifest(path.parent) is not None
    ]
    for link in sorted(links, key=lambda link: (link.days, link.day), reverse=True):
        told = tells(directory.parent / link.day.isoformat())
        if told is not None:
            return link, told
    return None, None


def _before(directory: Path, chosen: Link | Start, tells: Callable[[Path], T | None]) -> T | None:
    """What the model that was chosen tells.

    Raises:
        ModelFileError: If another lies in its place, or none.
    """
    if chosen.parent_day is None:
        return None
    parent = directory.parent / chosen.parent_day.isoformat()
    if _link(parent).sha256 != chosen.parent:
        raise ModelFileError(
            f"{parent}: not the model that {directory} goes on from; restore it from a backup"
        )
    return tells(parent)


def _measured(directory: Path, files: Iterable[str]) -> str:
    """The hash of what was measured and of what says how to read it."""
    digest = hashlib.sha256()
    for name in files:
        digest.update((directory / name).read_bytes())
    return digest.hexdigest()


def _link(directory: Path) -> Link:
    if (link := Link.read(directory)) is None:
        raise ModelFileError(f"{directory}: its link is missing; restore it from a backup")
    return link


def verified(directory: Path) -> dict[str, Any]:
    """The manifest of a finished model, its files checked against it.

    Raises:
        ModelFileError: If the model is not finished.
        FileError: If a file of it is missing or altered.
    """
    manifest = read_manifest(directory)
    if manifest is None:
        raise ModelFileError(f"{directory}: not finished any more; restore it from a backup")
    verify_files(directory, manifest)
    return manifest


def _state(
    directory: Path, lattice: Lattice, kept: Stored, load_state: Callable[[Path], S]
) -> S | None:
    """The state of a finished model, if it has one and that says anything on a lattice."""
    if kept.document not in verified(directory)["files"]:
        return None
    state = load_state(directory)
    return state if state.carried(lattice) else None


def _read(kind: type[M], path: Path) -> M | None:
    if not path.exists():
        return None
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelFileError(f"{path}: cannot be read; restore it from a backup") from error


def _write(path: Path, document: BaseModel) -> None:
    write_atomically(path, (document.model_dump_json(indent=2) + "\n").encode())
