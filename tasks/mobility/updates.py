"""Updates: how often each vehicle of a day was seen, and after how long again."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.mobility.pieces import Piece


@dataclass(frozen=True)
class Updates:
    """The sightings of a day, counted. Private, like the sightings.

    Attributes:
        of_vehicle: Sightings of each vehicle id, at least 1, shape [v].
        intervals: How many times a vehicle was seen again after that many seconds, rounded to
            whole ones, shape [longest + 1].
    """

    of_vehicle: NDArray[np.int64]
    intervals: NDArray[np.int64]

    @property
    def sightings(self) -> int:
        """Number of sightings."""
        return int(self.of_vehicle.sum())

    @property
    def median_interval_s(self) -> float:
        """Seconds after which a vehicle was seen again, median; NaN if none was."""
        if not (total := int(self.intervals.sum())):
            return float("nan")
        middle = np.array([(total + 1) // 2, total // 2 + 1])
        return float(np.searchsorted(np.cumsum(self.intervals), middle).mean())


def updates_of(pieces: Iterable[Piece]) -> Updates:
    """Count the sightings of a day.

    Args:
        pieces: Of `tasks.mobility.pieces.whole_vehicles`.
    """
    of_vehicle = [np.zeros(0, np.int64)]
    intervals = np.zeros(1, np.int64)
    for piece in pieces:
        of_vehicle.append(piece.ends - piece.begins + 1)
        to_another_vehicle = piece.ends[:-1]
        steps_ms = np.delete(np.diff(piece.times), to_another_vehicle)
        counted = np.bincount(np.rint(steps_ms / 1000).astype(np.int64), minlength=len(intervals))
        counted[: len(intervals)] += intervals
        intervals = counted
    return Updates(np.concatenate(of_vehicle), intervals)
