"""Id regimes: how a replayed feed names its vehicles."""

import datetime as dt
from dataclasses import dataclass

import numpy as np

from infra.replay.day import ServiceDay, zone_named
from infra.replay.source import ReplayError
from infra.replay.timeline import Integers, Timeline, random_numbers

ID_REGIMES = ("static", "per_trip", "per_poll", "periodic", "changing")
"""`static`: ids stay. `per_trip`: a vehicle has a new id where a trip ends. `per_poll`: every
answer names all vehicles anew. `periodic`: so does the clock, every `PERIOD_SECONDS`. `changing`:
static until local noon, per trip from then on."""

PERIOD_SECONDS = 1800
"""Time between two changes of all ids of a `periodic` feed."""


@dataclass(frozen=True)
class IdRegime:
    """Names the vehicles of a timeline.

    Attributes:
        name: One of `ID_REGIMES`.
        day: The day that is played.

    Raises:
        ReplayError: If there is no such regime.
    """

    name: str
    day: ServiceDay

    def __post_init__(self) -> None:
        if self.name not in ID_REGIMES:
            raise ReplayError(f"no id regime {self.name!r}; choose one of {', '.join(ID_REGIMES)}")

    def ids(self, timeline: Timeline, stand: Integers, poll: int) -> list[str]:
        """Vehicle ids, as one poll shows them.

        Args:
            timeline: Whose vehicles.
            stand: Indices of stands, shape [n].
            poll: The poll.

        Returns:
            One id for each stand; those that do not stay are 16 hexadecimal digits.
        """
        vehicle = timeline.vehicle[stand]
        own = [timeline.ids[index] for index in vehicle.tolist()]
        if self.name == "static":
            return own
        # how often, in effect, each vehicle was given a new id until now
        renewed = {
            "per_trip": stand,
            "changing": stand,
            "per_poll": np.full_like(stand, poll),
            "periodic": np.full_like(stand, poll * self.day.poll_seconds // PERIOD_SECONDS),
        }[self.name]
        numbers = random_numbers(timeline.keys[vehicle] ^ np.uint64(_SALT), renewed)
        new = [f"{number:016x}" for number in numbers.tolist()]
        if self.name != "changing":
            return new
        before_noon = (timeline.first[stand] < self._noon).tolist()
        return [a if early else b for early, a, b in zip(before_noon, own, new, strict=True)]

    @property
    def _noon(self) -> int:
        """The first poll of the local afternoon."""
        zone = zone_named(self.day.time_zone)
        noon = dt.datetime.combine(self.day.date, dt.time(12), zone).timestamp()
        return -int((self.day.start - noon) // self.day.poll_seconds)


_SALT = 0x1D5  # the same numbers without it are the jitter
