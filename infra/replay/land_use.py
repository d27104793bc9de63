"""The simulated city's map: places to ride from and to, each with its land use.

Downtown lies near the middle of the box. Around it lie districts (offices, campuses, parks,
quarters where people live), fewer with the distance; every district is a round cloud of places.
Some places lie anywhere. The map depends on the box and the seed alone, so every day of one city
has the same.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from infra.replay.geometry import METRES_PER_DEGREE, metres_per_degree_of_longitude
from infra.replay.service_box import ServiceBox

USES = ("downtown", "office", "campus", "park", "home")
"""Land uses; a place's use is its index here."""

_MARGIN_M = 120.0  # keeps vehicles that stand beside a place, with their jitter, inside the box
_USUAL_RADIUS_M = 6_000.0  # half the side of a box in which the sizes below are as written


class _Districts(NamedTuple):
    number: int
    places: int  # in each
    nearest_m: float  # to downtown
    furthest_m: float
    radius_m: float


_CITY = (
    _Districts(1, 240, 0, 0, 550),
    _Districts(4, 60, 700, 2_500, 260),
    _Districts(2, 60, 1_200, 3_000, 320),
    _Districts(4, 30, 600, 4_000, 300),
    _Districts(11, 60, 900, 5_000, 550),
)
_ANYWHERE = 60  # homes that belong to no district


@dataclass(frozen=True)
class LandUse:
    """Places of a city, in metres east and north of the box's south-western corner.

    Attributes:
        box: The public service area.
        east: Metres, one per place.
        north: Metres, one per place.
        use: Index into `USES`, one per place.
    """

    box: ServiceBox
    east: NDArray[np.float64]
    north: NDArray[np.float64]
    use: NDArray[np.int64]

    def degrees(
        self, east: NDArray[np.float64], north: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitudes and longitudes of points given in metres."""
        latitude = self.box.south + north / METRES_PER_DEGREE
        return latitude, self.box.west + east / _degree_east(self.box)


def lay_out(box: ServiceBox, seed: int) -> LandUse:
    """Draw a city's map.

    Args:
        box: The public service area; a small one gets a small city.
        seed: Two seeds give two cities.
    """
    random = np.random.default_rng([seed, 2])
    width = (box.east - box.west) * _degree_east(box)
    height = (box.north - box.south) * METRES_PER_DEGREE
    scale = min(1.0, min(width, height) / 2 / _USUAL_RADIUS_M)
    low = np.array([_MARGIN_M, _MARGIN_M])
    high = np.array([width, height]) - _MARGIN_M
    downtown = np.array([width, height]) * random.uniform(0.42, 0.58, 2)
    clouds, uses = [], []
    for use, kind in enumerate(_CITY):
        for _ in range(kind.number):
            angle = random.uniform(0, 2 * np.pi)
            away = scale * random.uniform(kind.nearest_m, kind.furthest_m)
            centre = downtown + away * np.array([np.cos(angle), np.sin(angle)])
            clouds.append(_cloud(random, centre, scale * kind.radius_m, kind.places, low, high))
            uses += [use] * kind.places
    clouds.append(random.uniform(low, high, (_ANYWHERE, 2)))
    uses += [USES.index("home")] * _ANYWHERE
    east, north = np.concatenate(clouds).T
    return LandUse(box, east, north, np.array(uses))


def _cloud(
    random: np.random.Generator,
    centre: NDArray[np.float64],
    radius: float,
    places: int,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Normally distributed points; those outside the box are mirrored into it at its edge."""
    points = random.normal(np.clip(centre, low, high), radius, (places, 2))
    points = np.where(points < low, 2 * low - points, points)
    points = np.where(points > high, 2 * high - points, points)
    return np.clip(points, low, high)


def _degree_east(box: ServiceBox) -> float:
    # At the edge that is nearer to a pole a degree is shortest: no point leaves the box.
    return float(metres_per_degree_of_longitude(max(abs(box.south), abs(box.north))))
