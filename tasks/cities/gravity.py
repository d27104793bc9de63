"""Cities by the law of gravity: attraction of the destination times a kernel of the distance.

Attraction centres of several kinds, commute peaks, strolls in any direction, positions pulled to a
street grid; any number of service areas.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.cities.plane import COORDINATES
from tasks.mobility.distance import haversine
from tasks.region import Box

HOURLY = np.array(
    [4, 3, 2, 1, 1, 3, 10, 25, 40, 30, 24, 26, 32, 33, 32, 36, 45, 60, 58, 42, 30, 22, 15, 9],
    np.float64,
)


def boxes(count: int) -> tuple[Box, ...]:
    """Service areas far apart, of different sizes."""
    generator = np.random.default_rng(5)
    made = []
    for index in range(count):
        south, west = 30 + 1.5 * index, -120 + 4.0 * index
        height, width = generator.uniform(0.15, 0.5, 2)
        made.append(
            Box(
                name=f"area-{index}",
                south=round(south, 2),
                west=west,
                north=round(south + height, 2),
                east=round(west + width, 2),
            )
        )
    return tuple(made)


@dataclass(frozen=True)
class _City:
    box: Box
    centres: NDArray[np.float64]
    spread: NDArray[np.float64]
    weight: NDArray[np.float64]
    work: NDArray[np.float64]


def _city(box: Box, generator: np.random.Generator) -> _City:
    count = int(generator.integers(10, 40))
    middle = generator.uniform(0.35, 0.65, 2)
    place = np.clip(generator.normal(middle, 0.16, (count, 2)), 0.03, 0.97)
    low, high = np.array([box.south, box.west]), np.array([box.north, box.east])
    return _City(
        box,
        low + place * (high - low),
        generator.lognormal(-5.4, 0.5, count),
        generator.pareto(1.3, count) + 0.1,
        generator.beta(0.5, 0.5, count),
    )


def simulated_day(areas: Sequence[Box], trips: int, seed: int) -> pa.Table:
    """That many trips; the city follows from the areas, the seed draws the day."""
    generator = np.random.default_rng(seed)
    share = np.random.default_rng(99).pareto(1.0, len(areas)) + 0.3
    counts = generator.multinomial(trips, share / share.sum())
    parts = []
    for index, (box, count) in enumerate(zip(areas, counts, strict=True)):
        parts.append(_day(_city(box, np.random.default_rng(100 + index)), int(count), generator))
    return pa.concat_tables(parts)


def _near(
    city: _City, kind: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.float64]:
    points = city.centres[kind] + generator.standard_t(3, (len(kind), 2)) * city.spread[kind, None]
    street = np.round(points / 0.0013) * 0.0013 + generator.normal(0, 5e-5, points.shape)
    along = generator.random(len(kind)) < 0.5
    points[:, 0] = np.where(along, street[:, 0], points[:, 0])
    points[:, 1] = np.where(along, points[:, 1], street[:, 1])
    return points


def _day(city: _City, trips: int, generator: np.random.Generator) -> pa.Table:
    kept: list[NDArray[np.float64]] = []
    low = np.array([city.box.south, city.box.west])
    high = np.array([city.box.north, city.box.east])
    while sum(map(len, kept)) < trips:
        size = 2 * trips + 100
        hour = generator.choice(24, size, p=HOURLY / HOURLY.sum())
        morning = np.exp(-((hour - 8) ** 2) / 8)
        pull = city.weight[None, :] * (
            0.3 + morning[:, None] * (1 - city.work) + (1 - morning[:, None]) * 0.7
        )
        origin_kind = _choose(pull, generator)
        origin = _near(city, origin_kind, generator)
        gap = (city.centres[None, :, :] - origin[:, None, :]) * np.array([1, 0.8])
        metres = 111_195 * np.sqrt(np.sum(gap**2, axis=2))
        attraction = city.weight[None, :] * (
            0.2 + morning[:, None] * city.work + (1 - morning[:, None]) * (1 - city.work)
        )
        end_kind = _choose(attraction * np.exp(-metres / 1500) / (metres + 300), generator)
        end = _near(city, end_kind, generator)
        stroll = generator.random(size) < 0.5
        length = generator.lognormal(np.log(900), 0.8, size)
        angle = generator.random(size) * 2 * np.pi
        wander = origin + length[:, None] / 111_195 * np.stack(
            [np.cos(angle), np.sin(angle) / 0.8], axis=1
        )
        end = np.where(stroll[:, None], wander, end)
        origin, end = np.round(origin, 6), np.round(end, 6)
        distance = haversine(origin[:, 0], origin[:, 1], end[:, 0], end[:, 1])
        inside = np.all((origin >= low) & (origin <= high) & (end >= low) & (end <= high), axis=1)
        kept.append(np.column_stack([hour, origin, end])[inside & (distance > 100)])
    rows = np.concatenate(kept)[:trips]
    ends = rows[:, 1:].T
    return pa.table(
        {
            "area": pa.array([city.box.name] * trips, pa.string()),
            "hour": rows[:, 0].astype(np.int8),
            **dict(zip(COORDINATES, ends, strict=True)),
            "distance_m": haversine(*ends),
        }
    )


def _choose(weights: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.int64]:
    total = np.cumsum(weights, axis=1)
    mark = generator.random(len(weights)) * total[:, -1]
    return np.asarray(np.minimum((total < mark[:, None]).sum(axis=1), weights.shape[1] - 1))
