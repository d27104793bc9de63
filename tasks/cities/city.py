"""Simulated cities: what choices are made on, and what is measured where no file is at hand.

Each is a law of its own, made without any data, and none is the replay server's city, so choices
made here can be checked there. A city's map follows from constants; the seed draws the day. Two
seeds give two independent days of one law, which is the floor that a synthesizer is held against.

`gravity`: ten areas, destinations by attraction and distance. `tours`: riders who go on from where
they arrived, to one of the nearest places of a kind, and home again; distance itself plays no part.
`transit`: trips to and from a few stations, which turn around with the hour. `river`: two banks and
three bridges, so that near is not close. `month`: thirty days with weekdays, drift and one fair.
`metropolis`: of any size, for costs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from tasks.cities import gravity, river, tours, transit
from tasks.region import Box


@dataclass(frozen=True)
class City:
    """A law of trips.

    Attributes:
        name: For people.
        areas: The public service area.
        day: A day of that many trips, by its seed; the columns of `tasks.schema.RELEASE`.
    """

    name: str
    areas: tuple[Box, ...]
    day: Callable[[int, int], pa.Table]


def _ten_areas(trips: int, seed: int) -> pa.Table:
    return gravity.simulated_day(gravity.boxes(10), trips, seed)


CITIES = (
    City("gravity", gravity.boxes(10), _ten_areas),
    City("tours", (tours.BOX,), tours.day),
    City("transit", (transit.BOX,), transit.day),
    City("river", (river.BOX,), river.day),
)
