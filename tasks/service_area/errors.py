"""What can be wrong with a source of a service area."""

from tasks import OpentripsError


class AreaError(OpentripsError):
    """A source gives no service area, or one that a region cannot have."""
