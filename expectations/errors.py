"""Why a check stops a run. Importing this file does not import Great Expectations."""

from tasks import OpentripsError


class CheckError(OpentripsError):
    """A critical expectation on public ground (the capture, the release) is not met."""
