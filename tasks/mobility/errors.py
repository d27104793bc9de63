"""What can go wrong between sightings and trips."""

from tasks import OpentripsError


class MobilityError(OpentripsError):
    """The sealed day cannot be turned into trips."""
