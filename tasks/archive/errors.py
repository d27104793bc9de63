"""Why the archive cannot be made, or nothing in it be withdrawn."""

from tasks import OpentripsError


class ArchiveError(OpentripsError):
    """The archive holds what it should not, or not what is asked of it."""
