"""The chain of a region's measured days: which days stand behind a model, in the order of making.

Each link names its day, the hash of what was measured of it, and the link before it, and has a
hash of its own over that. Only what was charged and measured is in it; a day that is filled in
later enters the chain where it is made. A link that was chosen stays: a model that is fitted again
has the same days behind it. Of days that are made side by side one goes on, and what the other
measured is not carried.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.files import read_manifest, verify_files, write_atomically
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.stored import Stored
from tasks.synthesis.trip_field import MEASUREMENTS
from tasks.synthesis.trip_field.lattice import Lattice

LINK = "link.json"


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
        measured: SHA-256 of its noisy counts and their description, which are kept with the model.
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
        path = directory / LINK
        if not path.exists():
            return None
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise ModelFileError(f"{path}: cannot be read; restore it from a backup") from error


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

    def tells(parent: Path) -> S | None:
        return _state(parent, lattice, kept, load_state)

    measured = _measured(directory)
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
        write_atomically(directory / LINK, (link.model_dump_json(indent=2) + "\n").encode())
        return link, state
    if link.parent_day is None:
        return link, None
    parent = directory.parent / link.parent_day.isoformat()
    if _link(parent).sha256 != link.parent:
        raise ModelFileError(
            f"{parent}: not the model that {directory} goes on from; restore it from a backup"
        )
    return link, tells(parent)


def _newest_that_tells(
    directory: Path, state_of: Callable[[Path], S | None]
) -> tuple[Link | None, S | None]:
    """The link with the longest chain whose state says anything on the day's lattice.

    Of chains as long as each other it is that of the latest day.
    """
    links = [
        _link(path.parent)
        for path in directory.parent.glob(f"*/{LINK}")
        if path.parent != directory and read_manifest(path.parent) is not None
    ]
    for link in sorted(links, key=lambda link: (link.days, link.day), reverse=True):
        state = state_of(directory.parent / link.day.isoformat())
        if state is not None:
            return link, state
    return None, None


def _measured(directory: Path) -> str:
    """The hash of noisy counts and of what says how to read them."""
    digest = hashlib.sha256()
    for name in MEASUREMENTS.files:
        digest.update((directory / name).read_bytes())
    return digest.hexdigest()


def _link(directory: Path) -> Link:
    if (link := Link.read(directory)) is None:
        raise ModelFileError(f"{directory}: its link is missing; restore it from a backup")
    return link


def _state(
    directory: Path, lattice: Lattice, kept: Stored, load_state: Callable[[Path], S]
) -> S | None:
    """The state of a finished model, if it has one and that says anything on a lattice."""
    manifest = read_manifest(directory)
    if manifest is None:
        raise ModelFileError(f"{directory}: not finished any more; restore it from a backup")
    verify_files(directory, manifest)
    if kept.document not in manifest["files"]:
        return None
    state = load_state(directory)
    return state if state.carried(lattice) else None
