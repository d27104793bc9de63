"""The chain of a region's measured days: which days stand behind a model, in the order of making.

Each link names its day, the hash of what was measured of it, and the link before it, and has a
hash of its own over that. Only what was charged and measured is in it; a day that is filled in
later enters the chain where it is made. A link that was chosen stays: a model that is fitted again
has the same days behind it.
"""

import datetime as dt
import hashlib
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.files import read_manifest, sha256_of, verify_files, write_atomically
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.trip_field import MEASUREMENTS, Measurements, State, load_state

LINK = "link.json"


class Link(BaseModel):
    """A measured day and the link before it. All of it is public.

    Attributes:
        day: The service day.
        measured: SHA-256 of its noisy counts.
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
    measured = sha256_of(directory / MEASUREMENTS.arrays)
    link = Link.read(directory)
    if link is None or link.measured != measured:
        before = _newest(directory.parent, directory)
        state = None if before is None else _state(before, measurements)
        if before is None or state is None:
            link = Link(day=day, measured=measured, days=1, parent=None, parent_day=None)
        else:
            last = _link(before)
            link = Link(
                day=day,
                measured=measured,
                days=last.days + 1,
                parent=last.sha256,
                parent_day=last.day,
            )
        write_atomically(directory / LINK, (link.model_dump_json(indent=2) + "\n").encode())
        return link, state
    if link.parent_day is None:
        return link, None
    before = directory.parent / link.parent_day.isoformat()
    if _link(before).sha256 != link.parent:
        raise ModelFileError(
            f"{before}: not the model that {directory} goes on from; restore it from a backup"
        )
    return link, _state(before, measurements)


def _newest(models: Path, but: Path) -> Path | None:
    """The finished model with the longest chain, of those the one of the latest day."""
    found = [
        (link.days, link.day, path.parent)
        for path in models.glob(f"*/{LINK}")
        if path.parent != but
        and read_manifest(path.parent) is not None
        and (link := _link(path.parent))
    ]
    return max(found)[2] if found else None


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
