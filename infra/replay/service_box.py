"""The public rectangle in which the simulated city lies."""

from dataclasses import dataclass

from infra.replay.geometry import metres_per_degree_of_longitude
from infra.replay.source import ReplayError

_SMALLEST_DEGREES = 0.01
_SMALLEST_M = 500.0  # a shorter ride is hardly one, and near the poles a degree is short


@dataclass(frozen=True)
class ServiceBox:
    """A rectangle in degrees.

    Raises:
        ReplayError: If it is upside down, off the map, or under 0.01 degrees or 500 m wide or high.
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
        near_a_pole = max(abs(self.south), abs(self.north))
        if (self.east - self.west) * metres_per_degree_of_longitude(near_a_pole) < _SMALLEST_M:
            raise ReplayError(f"the box {self} must be at least {_SMALLEST_M:.0f} m wide")

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
