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


def people(rows: int, seed: int, strength: float = 1.0) -> pa.Table:
    """A table of every kind of column; the larger `strength`, the more income follows from age."""
    generator = np.random.default_rng(seed)
    age = generator.integers(18, 80, rows)
    income = strength * age * 500 + generator.normal(0, 8_000, rows)
    job = np.array(["clerk", "nurse", "smith"])[(age // 25 + generator.integers(0, 2, rows)) % 3]
    return pa.table(
        {
            "age": pa.array(age, pa.int16()),
            "income": pa.array(np.round(income, 2)),
            "born": pa.array((2000 - age) * 4, pa.int32()).cast(pa.date32()),
            "job": pa.array(job.tolist(), pa.string()),
            "married": pa.array(age > generator.integers(20, 60, rows)),
        }
    )


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
