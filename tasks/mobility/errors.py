"""What can go wrong between sightings and trips."""

from tasks import OpentripsError


class MobilityError(OpentripsError):
    """The sealed day cannot be turned into trips."""


class NoTripsError(MobilityError):
    """A feed of the region names its vehicles so that no ride can be told from its ids."""
