"""What can go wrong in a run of a search."""

from tasks.search import SearchError


class DivergedError(SearchError):
    """A training whose weights have left all bounds; nothing can be drawn of it."""
