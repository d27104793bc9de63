"""What can be wrong with a region's files."""

from tasks import OpentripsError


class RegionError(OpentripsError):
    """A region's YAML file, or a polygon file, is missing or wrong."""
