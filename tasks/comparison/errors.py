"""What can be wrong with a comparison study; every text is one line for a person."""

from tasks import OpentripsError


class StudyError(OpentripsError):
    """A study's file is wrong, its rows are too few, or no noise keeps its guarantee."""
