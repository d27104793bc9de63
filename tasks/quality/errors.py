"""What can go wrong when tables of trips are compared."""

from tasks import OpentripsError


class QualityError(OpentripsError):
    """The tables, or the runs made of them, cannot be compared as asked."""
