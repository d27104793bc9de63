"""The public rectangle in which the simulated city lies."""

from dataclasses import dataclass

from infra.replay.source import ReplayError

_SMALLEST_DEGREES = 0.01


@dataclass(frozen=True)
class ServiceBox:
    """A rectangle in degrees.

    Raises:
        ReplayError: If it is upside down, off the map, or under 0.01 degrees wide or high.
    """

    south: float
    west: float
    north: float
    east: float

    def __post_init__(self) -> None:
        if not (-85 <= self.south < self.north <= 85 and -180 <= self.west < self.east <= 180):
            raise ReplayError(
                f"the box {self} is not on the map; give south,west,north,east in degrees"
            )
        if min(self.north - self.south, self.east - self.west) < _SMALLEST_DEGREES - 1e-9:
            raise ReplayError(f"the box {self} must span at least {_SMALLEST_DEGREES} degrees")

    def __str__(self) -> str:
        return f"{self.south},{self.west},{self.north},{self.east}"


def parse_box(text: str) -> ServiceBox:
    """A box from `south,west,north,east`.

    Raises:
        ReplayError: If the text is no box.

    Examples:
        >>> parse_box("38.18,-85.82,38.30,-85.64").north
        38.3
    """
    try:
        south, west, north, east = (float(edge) for edge in text.split(","))
    except ValueError as error:
        raise ReplayError(
            f"{text!r} is no box; give south,west,north,east in degrees, for example "
            "38.18,-85.82,38.30,-85.64"
        ) from error
    return ServiceBox(south, west, north, east)


LOUISVILLE = ServiceBox(38.18, -85.82, 38.30, -85.64)
"""Where the simulated city lies unless another box is given."""
