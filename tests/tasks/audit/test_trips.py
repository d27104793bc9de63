import numpy as np
import pytest
from scipy import stats

from tasks.audit.trips import random_trips, trips_between
from tasks.region import Box
from tasks.schema import RELEASE
from tasks.synthesis.grid import Grid

BOXES = (
    Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9),
    Box(name="lane", south=50.0, west=8.0, north=50.02, east=8.4),
)


def test_random_trips_are_trips_of_every_area_and_hour() -> None:
    trips = random_trips(BOXES, 3000, np.random.default_rng(0))
    assert trips.schema == RELEASE.arrow()
    assert (Grid(BOXES, 1).encode(trips) >= 0).all()
    assert set(trips["area"].to_pylist()) == {"town", "lane"}
    hours = np.bincount(trips["hour"].to_numpy(), minlength=24)
    assert stats.chisquare(hours).pvalue > 1e-4


@pytest.mark.parametrize("column", ["hour", "origin_latitude", "distance_m"])
def test_the_order_of_random_trips_says_nothing(column: str) -> None:
    trips = random_trips(BOXES[:1], 3000, np.random.default_rng(1))
    values = trips[column].to_numpy().astype(float)
    assert stats.ks_2samp(values[:1500], values[1500:]).pvalue > 1e-4
    assert abs(stats.spearmanr(values, np.arange(3000)).statistic) < 0.07


def test_trips_between_positions_are_exact() -> None:
    ends = np.array([[52_300_001, 10_600_002, 52_400_003, 10_700_004]])
    row = trips_between(BOXES, np.array([0]), np.array([7]), ends).to_pylist()[0]
    assert (row["area"], row["hour"], row["origin_latitude"]) == ("town", 7, 52.300001)
    assert row["distance_m"] == pytest.approx(13_000, rel=0.05)
