"""Verify: a published release, looked at from the outside."""

from tasks.archive.verification.release import verify_release
from tasks.archive.verification.report import Report


def verify(where: str) -> Report:
    """Check a published release by its published files alone.

    Args:
        where: Its folder, or its address over HTTP.

    Returns:
        What was found, a line for each check.

    Raises:
        ArchiveError: If no release lies there, or the server does not answer.
        FileError: If its manifest is none.
    """
    return verify_release(where)
