"""When the people of the simulated city ride, and where from and where to.

People leave home in
the morning and offices in the evening, lunch is downtown, parks are for afternoons; weekends begin
late, peak once and end late. The numbers are ours, chosen so that a day looks like one of dockless
scooters in a North American city; no data were fitted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infra.replay.land_use import USES
from tasks.cities.curve import Curve

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DayType:
    """The habits of a kind of day.

    Attributes:
        share: Trips, relative to an average day's.
        starts: How many trips start when.
        pull_from: Per land use, how strongly trips start there.
        pull_to: Per land use, how strongly trips end there.
    """

    share: float
    starts: Curve
    pull_from: dict[str, Curve]
    pull_to: dict[str, Curve]

    def table(self, pulls: dict[str, Curve]) -> Floats:
        """Pulls at the middle of each hour, shape (24, land uses)."""
        hours = np.arange(24) + 0.5
        return np.stack([pulls[use](hours) for use in USES], axis=1)


WEEKDAY = DayType(
    share=1.0,
    starts=Curve(0.06, (8.3, 0.9, 0.85), (12.5, 1.5, 0.65), (17.4, 1.5, 1.15), (21.0, 1.8, 0.35)),
    pull_from={
        "downtown": Curve(0.7, (12.7, 1.0, 1.0), (17.6, 1.3, 1.6), (22.0, 2.0, 1.2)),
        "office": Curve(0.2, (12.0, 0.8, 0.9), (17.3, 1.2, 2.6)),
        "campus": Curve(0.3, (12.5, 2.0, 0.9), (16.5, 1.8, 1.4)),
        "park": Curve(0.3, (18.5, 2.2, 0.9)),
        "home": Curve(0.45, (8.0, 1.2, 2.2), (19.5, 1.5, 0.5)),
    },
    pull_to={
        "downtown": Curve(0.6, (8.6, 1.2, 1.3), (12.2, 1.0, 1.5), (19.5, 2.0, 1.3)),
        "office": Curve(0.15, (8.5, 1.0, 2.8), (13.2, 0.8, 0.9)),
        "campus": Curve(0.25, (9.3, 1.5, 1.8), (13.0, 1.5, 0.6)),
        "park": Curve(0.3, (17.0, 2.5, 1.0)),
        "home": Curve(0.4, (18.0, 1.6, 1.9), (22.5, 2.2, 1.4)),
    },
)

WEEKEND = DayType(
    share=0.93,
    starts=Curve(0.09, (14.8, 3.0, 1.0), (20.5, 2.0, 0.5), (0.8, 1.3, 0.35)),
    pull_from={
        "downtown": Curve(0.9, (16.0, 3.0, 0.9), (23.5, 2.5, 1.8)),
        "office": Curve(0.15),
        "campus": Curve(0.3, (14.0, 3.0, 0.4)),
        "park": Curve(0.5, (16.5, 2.5, 1.9)),
        "home": Curve(0.6, (12.0, 2.5, 1.1), (19.0, 1.5, 0.7)),
    },
    pull_to={
        "downtown": Curve(0.8, (13.5, 2.5, 1.2), (20.0, 2.0, 1.8)),
        "office": Curve(0.12),
        "campus": Curve(0.3, (13.0, 3.0, 0.4)),
        "park": Curve(0.5, (14.0, 2.5, 2.4)),
        "home": Curve(0.5, (18.0, 2.0, 0.9), (1.0, 2.5, 1.8)),
    },
)
