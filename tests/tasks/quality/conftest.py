from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest

from tasks.quality.rows import COORDINATES
from tasks.region import Box

Row = tuple[int, float, float, float, float]
MakeTrips = Callable[[int, int], pa.Table]


def table_of(trips: Sequence[Row]) -> pa.Table:
    """A table of trips given as hour and four coordinates."""
    columns = np.array(trips, np.float64).reshape(-1, 5).T
    ends = dict(zip(COORDINATES, columns[1:], strict=True))
    return pa.table({"hour": columns[0].astype(np.int8), **ends})


@pytest.fixture
def box() -> Box:
    return Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9)


@pytest.fixture
def make_trips(box: Box) -> MakeTrips:
    """Trips around a few places of the town: `make_trips(rows, seed)`."""

    def make(rows: int, seed: int) -> pa.Table:
        generator = np.random.default_rng(seed)
        place = generator.choice([0.3, 0.5, 0.7], (rows, 2)) + generator.normal(0, 0.04, (rows, 2))
        start = np.array([box.south, box.west]) + place * np.array([0.2, 0.3])
        hour = generator.binomial(23, 0.6, rows)
        end = start + generator.normal(0, 0.008, (rows, 2))
        return table_of(list(map(tuple, np.column_stack([hour, start, end]))))

    return make
