"""The chain of a region's measured days: which days stand behind a model, in the order of making.

Each link names its day, the hash of what was measured of it, and the link before it, and has a
hash of its own over that. Only what was charged and measured is in it; a day that is filled in
later enters the chain where it is made. A link that was chosen stays: a model that is fitted again
has the same days behind it. Of days that are made side by side one goes on, and what the other
measured is not carried.
"""

import datetime as dt
import hashlib
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.files import read_manifest, verify_files, write_atomically
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.trip_field import MEASUREMENTS, Measurements, State, load_state

LINK = "link.json"


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


def take_up(directory: Path, day: dt.date, measurements: Measurements) -> tuple[Link, State | None]:
    """Link a measured day to the newest finished one of its region, durably, or keep its link.

    Args:
        directory: The model's directory; the region's other models lie beside it.
        day: The service day.
        measurements: Stored in the directory.

    Returns:
        The link, and the state that the link before it left; None if there is none, or if none of
        it says anything on the lattice of the day.

    Raises:
        ModelFileError: If a link or the state before cannot be read.
        FileError: If the model before was altered.
    """
    measured = _measured(directory)
    link = Link.read(directory)
    if link is None or link.measured != measured:
        before, state = _newest_that_tells(directory, measurements)
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
    return link, _state(parent, measurements)


def _newest_that_tells(
    directory: Path, measurements: Measurements
) -> tuple[Link | None, State | None]:
    """The link with the longest chain whose state says anything on the day's lattice.

    Of chains as long as each other it is that of the latest day.
    """
    links = [
        _link(path.parent)
        for path in directory.parent.glob(f"*/{LINK}")
        if path.parent != directory and read_manifest(path.parent) is not None
    ]
    for link in sorted(links, key=lambda link: (link.days, link.day), reverse=True):
        state = _state(directory.parent / link.day.isoformat(), measurements)
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


def _state(directory: Path, measurements: Measurements) -> State | None:
    """The state of a finished model, if it says anything on the lattice of a measurement."""
    manifest = read_manifest(directory)
    if manifest is None:
        raise ModelFileError(f"{directory}: not finished any more; restore it from a backup")
    verify_files(directory, manifest)
    state = load_state(directory)
    return state if state.carried(measurements.plan.lattice) else None
