"""What can be wrong with a table's schema or with its rows; every text is one line for a person."""

from tasks import OpentripsError


class TableError(OpentripsError):
    """A schema's file is wrong, or rows do not meet their schema."""
