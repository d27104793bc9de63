from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from tasks.region import Box
from tasks.synthesis import sphere
from tasks.synthesis.grid import Grid

MakeTrips = Callable[[int, int], pa.Table]


@pytest.fixture(scope="session")
def boxes() -> tuple[Box, ...]:
    """Two towns, one of them across the equator."""
    return (
        Box(name="north-town", south=52.3, west=10.6, north=52.5, east=10.9),
        Box(name="south-town", south=-0.05, west=-78.6, north=0.03, east=-78.3),
    )


@pytest.fixture(scope="session")
def grid(boxes: tuple[Box, ...]) -> Grid:
    return Grid(boxes, levels=3)


@pytest.fixture(scope="session")
def make_trips(boxes: tuple[Box, ...]) -> MakeTrips:
    """Valid trips around a few places: `make_trips(rows, seed)`."""

    def make(rows: int, seed: int) -> pa.Table:
        generator = np.random.default_rng(seed)
        corners = np.array([(box.south, box.west, box.north, box.east) for box in boxes])
        area = generator.integers(0, len(boxes), rows)
        south, west, north, east = corners[area].T
        shape = generator.choice([0.3, 0.5, 0.7], (2, rows)) + generator.normal(0, 0.03, (2, rows))
        latitude, longitude = south + (north - south) * shape[0], west + (east - west) * shape[1]
        to_latitude, to_longitude = sphere.destination(
            latitude,
            longitude,
            generator.uniform(150, 900, rows),
            generator.uniform(0, 2 * np.pi, rows),
        )
        return pa.table(
            {
                "area": pa.array([boxes[index].name for index in area], pa.string()),
                "hour": generator.integers(0, 24, rows).astype(np.int8),
                "origin_latitude": np.round(latitude, 6),
                "origin_longitude": np.round(longitude, 6),
                "destination_latitude": np.round(to_latitude, 6),
                "destination_longitude": np.round(to_longitude, 6),
            }
        )

    return make
