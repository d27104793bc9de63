"""What several tests of the replay server need: an oracle for moves, and a plain client."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from infra.replay.timeline import Timeline

MovesOf = Callable[[Timeline, int], NDArray[np.void]]

MOVE = np.dtype(
    [
        ("vehicle", "i8"),
        ("last_seen", "i8"),
        ("poll", "i8"),
        ("origin", "f8", 2),
        ("destination", "f8", 2),
        ("metres", "f8"),
    ]
)


def haversine(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Written apart from the code under test: by the angle between unit vectors."""

    def unit(points: NDArray[np.float64]) -> NDArray[np.float64]:
        latitude, longitude = np.radians(points[..., 0]), np.radians(points[..., 1])
        return np.stack(
            [
                np.cos(latitude) * np.cos(longitude),
                np.cos(latitude) * np.sin(longitude),
                np.sin(latitude),
            ],
            axis=-1,
        )

    chord = np.linalg.norm(unit(a) - unit(b), axis=-1)
    metres: NDArray[np.float64] = 2 * 6_371_008.8 * np.arcsin(np.minimum(chord / 2, 1))
    return metres


@pytest.fixture(scope="session")
def metres_between() -> Any:
    return haversine


@pytest.fixture(scope="session")
def moves_of() -> MovesOf:
    """Consecutive sightings of one vehicle over 100 m apart, when every poll is taken."""

    def oracle(timeline: Timeline, polls: int) -> NDArray[np.void]:
        position = np.full((len(timeline.ids), 2), np.nan)
        last_seen = np.zeros(len(timeline.ids), dtype=np.int64)
        found = []
        for poll in range(polls):
            seen = timeline.seen(poll)
            vehicle = timeline.vehicle[seen.stand]
            assert len(np.unique(vehicle)) == len(vehicle)
            here = np.stack([seen.latitude_e6, seen.longitude_e6], axis=1) / 1e6
            metres = haversine(position[vehicle], here)
            moved = np.flatnonzero(metres > 100)
            moves = np.zeros(len(moved), dtype=MOVE)
            moves["vehicle"] = vehicle[moved]
            moves["last_seen"] = last_seen[vehicle[moved]]
            moves["poll"] = poll
            moves["origin"] = position[vehicle[moved]]
            moves["destination"] = here[moved]
            moves["metres"] = metres[moved]
            found.append(moves)
            position[vehicle] = here
            last_seen[vehicle] = poll
        return np.concatenate(found)

    return oracle
