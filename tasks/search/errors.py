"""What can be wrong with a search; every text is one line for a person."""

from tasks import OpentripsError


class SearchError(OpentripsError):
    """A search's file is wrong, its data may not be searched on, or nothing holds."""
