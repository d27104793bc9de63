"""What can go wrong in an audit; every text is one line for a person."""

from tasks import OpentripsError


class AuditError(OpentripsError):
    """An audit cannot be made: there is nothing published to make it on, or too little."""
