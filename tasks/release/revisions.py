"""The revisions r1, r2, ... of a published day on this machine's disk."""

import re
from pathlib import Path

from tasks.files import read_manifest, verify_files
from tasks.release.withdrawal import WITHDRAWAL, Withdrawal

_NAME = re.compile(r"^r([1-9][0-9]*)$")


def revision_number(name: str) -> int | None:
    """The number of a revision's folder, or None if the name is no revision's.

    Examples:
        >>> revision_number("r12"), revision_number("r0"), revision_number("index.html")
        (12, None, None)
    """
    match = _NAME.match(name)
    return int(match[1]) if match else None


def revisions(releases: Path) -> list[Path]:
    """The finished revisions of a day, oldest first.

    Args:
        releases: Directory of the day's revisions.

    Raises:
        FileError: If a manifest cannot be read.
    """
    found = {revision_number(path.name): path for path in releases.glob("r[1-9]*")}
    ordered = (found[number] for number in sorted(number for number in found if number))
    return [path for path in ordered if read_manifest(path) is not None]


def withdrawal_of(revision: Path) -> Withdrawal | None:
    """Why a revision is withdrawn, or None if it is not.

    Raises:
        ReleaseError: If what says so cannot be read.
    """
    path = revision / WITHDRAWAL
    return Withdrawal.parse(path.read_bytes(), str(path)) if path.exists() else None


def published(releases: Path) -> Path | None:
    """The newest revision of a day, whole and unaltered, or None before there is one.

    Of one that is withdrawn nothing but its page, its card and its hashes is left, and it is the
    newest until another revision is published.

    Args:
        releases: Directory of the day's revisions.

    Raises:
        FileError: If a file of it is missing or was altered.
    """
    if not (found := revisions(releases)):
        return None
    newest = found[-1]
    if withdrawal_of(newest) is None:
        verify_files(newest, read_manifest(newest) or {})
    return newest


def offered(releases: Path) -> Path | None:
    """The newest revision of a day with its data; None if there is none, or it is withdrawn.

    Raises:
        FileError: If a file of it is missing or was altered.
    """
    newest = published(releases)
    return None if newest is None or withdrawal_of(newest) else newest
