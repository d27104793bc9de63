"""Places that people live, work and go out at, and who goes where at which hour."""

from dataclasses import dataclass

import numpy as np

from tasks.cities.curve import Curve
from tasks.cities.plane import Floats, Integers, scattered

USES = ("home", "work", "leisure")


@dataclass(frozen=True)
class Habits:
    """When people ride, and between which uses.

    Attributes:
        starts: How many trips there are at each hour.
        leaving: Per use, how strongly trips start there.
        arriving: Per use, how strongly trips end there.
    """

    starts: Curve
    leaving: tuple[Curve, Curve, Curve]
    arriving: tuple[Curve, Curve, Curve]


WEEKDAY = Habits(
    Curve(0.08, (8.0, 1.1, 1.0), (13.0, 1.8, 0.6), (17.8, 1.7, 1.2), (22.0, 1.5, 0.25)),
    (
        Curve(0.4, (7.9, 1.3, 2.4), (19.0, 1.6, 0.8)),
        Curve(0.2, (12.3, 0.9, 1.2), (17.5, 1.4, 2.6)),
        Curve(0.3, (14.0, 2.0, 0.6), (22.3, 1.8, 1.8)),
    ),
    (
        Curve(0.4, (18.0, 1.8, 2.0), (22.8, 1.7, 1.5)),
        Curve(0.2, (8.2, 1.2, 3.0), (13.4, 0.9, 1.0)),
        Curve(0.3, (12.6, 1.0, 1.4), (19.5, 1.8, 1.8)),
    ),
)
WEEKEND = Habits(
    Curve(0.12, (14.5, 3.2, 1.0), (21.0, 2.0, 0.5), (1.0, 1.5, 0.3)),
    (
        Curve(0.7, (12.0, 2.5, 1.3), (19.0, 1.5, 0.8)),
        Curve(0.15),
        Curve(0.5, (17.0, 2.5, 1.5), (23.5, 2.0, 1.6)),
    ),
    (
        Curve(0.5, (18.5, 2.0, 1.2), (1.0, 2.5, 1.6)),
        Curve(0.15),
        Curve(0.6, (14.0, 2.8, 2.2), (20.5, 1.8, 1.6)),
    ),
)


@dataclass(frozen=True)
class Sites:
    """Places of a city.

    Attributes:
        points: Where, shape (sites, 2), metres.
        spread: How far around trips start and end, shape (sites,), metres.
        weight: How much of each use there is, shape (sites, uses).
    """

    points: Floats
    spread: Floats
    weight: Floats

    def flows(self, habits: Habits, costs: Floats, reach_m: float) -> Floats:
        """Probability of each hour, origin and destination, shape (24, sites, sites).

        Destinations go by attraction times exp(-cost / reach).

        Args:
            habits: Who goes where at which hour.
            costs: Of going from each site to each, shape (sites, sites), metres.
            reach_m: Over this many metres the wish to go falls to 1/e.
        """
        hours = np.arange(24) + 0.5
        leaving, arriving = (
            np.stack([curve(hours) for curve in curves], axis=1) @ self.weight.T
            for curves in (habits.leaving, habits.arriving)
        )
        pull = arriving[:, None, :] * np.exp(-costs / reach_m)
        flows = (leaving / leaving.sum(axis=1, keepdims=True))[:, :, None] * pull
        flows /= pull.sum(axis=2, keepdims=True)
        starts = habits.starts(hours)
        return np.asarray(flows * (starts / starts.sum())[:, None, None])

    def ride(
        self, flows: Floats, trips: int, generator: np.random.Generator
    ) -> tuple[Integers, Integers, Integers]:
        """Hour and sites of origin and destination of each trip, drawn from flows."""
        total = np.cumsum(flows)
        drawn = np.searchsorted(total, generator.random(trips) * total[-1], side="right")
        hour, start, end = np.unravel_index(np.minimum(drawn, flows.size - 1), flows.shape)
        return hour.astype(np.int64), start.astype(np.int64), end.astype(np.int64)

    def near(self, site: Integers, generator: np.random.Generator) -> Floats:
        """A point near each site, shape (n, 2), metres."""
        return scattered(self.points[site], self.spread[site], generator)


def settle(number: int, size: Floats, suburbs: int, generator: np.random.Generator) -> Sites:
    """Sites around a centre and some suburbs: work is central, homes are outside.

    Args:
        number: How many.
        size: Extent of the box to the east and north, metres.
        suburbs: How many clusters there are beside the centre.
        generator: Draws the map.
    """
    clusters = size * np.vstack([[0.5, 0.5], generator.uniform(0.2, 0.8, (suburbs, 2))])
    share = np.append(suburbs / 2, generator.uniform(0.3, 1.0, suburbs))
    cluster = generator.choice(suburbs + 1, number, p=share / share.sum())
    points = clusters[cluster] + generator.normal(0, 0.07 * size.min(), (number, 2))
    points = np.clip(points, 0.03 * size, 0.97 * size)
    central = np.exp(-np.hypot(*(points - clusters[0]).T) / (0.12 * size.min()))
    mix = np.column_stack([1 - 0.8 * central, 0.1 + central, 0.1 + 0.6 * central])
    busy = generator.pareto(1.5, (number, len(USES))) + 0.1
    return Sites(points, generator.lognormal(np.log(130), 0.4, number), mix * busy)


def straight(points: Floats) -> Floats:
    """Distance from each point to each, shape (n, n), metres."""
    return np.asarray(np.hypot(*(points[:, None, :] - points[None, :, :]).transpose(2, 0, 1)))
