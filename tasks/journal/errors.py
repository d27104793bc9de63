"""What can go wrong between a poll and the sealed day."""

from tasks import OpentripsError


class JournalError(OpentripsError):
    """A journal or a sealed day cannot be written or read as asked."""


class JournalHeldError(JournalError):
    """Another process writes to the journal."""


class NothingCollectedError(JournalError):
    """A day has no answered poll, so there is nothing to seal."""


class UnseenFeedError(JournalError):
    """A feed could not be read at all; what was collected before stays."""
