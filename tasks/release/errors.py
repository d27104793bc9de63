"""Why a release is not made."""

from tasks import OpentripsError


class ReleaseError(OpentripsError):
    """What a release is made from is missing, unchecked, or contradicts itself."""
