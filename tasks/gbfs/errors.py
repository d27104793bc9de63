"""What can be wrong with a feed."""

import datetime as dt
from typing import ClassVar

from tasks import OpentripsError


class FeedError(OpentripsError):
    """A feed cannot be polled as the region's file describes it."""


class SparedError(FeedError):
    """A host or a feed is in trouble and is not asked now.

    Attributes:
        until: When it may be asked again, UTC.
    """

    def __init__(self, until: dt.datetime) -> None:
        """Say until when."""
        super().__init__(f"it is in trouble and is spared until {until:%H:%M:%S} UTC")
        self.until = until


class BodyError(FeedError):
    """A body is not what was asked for. The text never quotes the body.

    Attributes:
        outcome: The outcome of a poll that got such a body, one of `tasks.schema.polls.OUTCOMES`.
    """

    outcome: ClassVar[str]


class NotJsonError(BodyError):
    """The body is no JSON."""

    outcome = "not_json"


class WrongShapeError(BodyError):
    """The body is JSON, but neither a discovery file nor a list of vehicles."""

    outcome = "wrong_shape"


class TooLargeError(BodyError):
    """The body is JSON that holds more than any feed."""

    outcome = "too_large"
