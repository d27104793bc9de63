import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.quality.errors import QualityError
from tasks.quality.histograms import ORIGINS_1KM, total_variation
from tasks.quality.metrics import compare
from tasks.quality.splits import halves, resample, split
from tasks.region import Box
from tests.benchmarks.trip_file import metros, read_trips
from tests.tasks.quality.conftest import MakeTrips

Day = tuple[tuple[Box, ...], pa.Table]


def test_an_independent_day_is_closer_than_another_town(box: Box, make_trips: MakeTrips) -> None:
    real, other = halves(make_trips(2400, 1), 0)
    shifted = other.set_column(2, "origin_longitude", pa.array(other[2].to_numpy() + 0.03))
    near, far = compare(real, other, [box]), compare(real, shifted, [box])
    for name in ("pairs_5km", "pairs_1km", "origins_1km", "hour_origins_5km", "length", "auc"):
        assert getattr(near, name) < getattr(far, name), name
    assert near.range_error < far.range_error
    assert near.origins_tau > far.origins_tau
    assert near.flows_1km > far.flows_1km


def test_order_of_rows_changes_nothing_but_the_folds(box: Box, make_trips: MakeTrips) -> None:
    real, other = make_trips(300, 1), make_trips(300, 2)
    reversed_rows = other.take(list(range(299, -1, -1)))
    one, again = compare(real, other, [box]), compare(real, reversed_rows, [box])
    for field in dataclasses.fields(one):
        if field.name != "auc":
            value = getattr(again, field.name)
            assert getattr(one, field.name) == pytest.approx(value), field.name


def test_empty_tables_are_refused(box: Box, make_trips: MakeTrips) -> None:
    with pytest.raises(QualityError, match="without rows"):
        compare(make_trips(20, 1), make_trips(0, 1), [box])


@pytest.fixture
def real_day(shared_data: Path) -> Day:
    areas = metros()
    return areas, read_trips(shared_data / "trips" / "uber_scooter_rides_1day.csv", areas)


def test_floor_of_a_real_day_is_what_was_measured_elsewhere(
    real_day: Day,
) -> None:
    """Figures of halves of the rows, computed by other code with LightGBM as the classifier."""
    areas, trips = real_day
    assert len(trips) == 25_648
    floor = compare(*halves(trips, 0), areas)
    expected = {
        "pairs_5km": 0.076,
        "pairs_1km": 0.371,
        "origins_1km": 0.118,
        "destinations_1km": 0.124,
        "hour_origins_5km": 0.147,
        "length": 0.0011,
        "auc": 0.496,
    }
    for name, value in expected.items():
        rounding = 0.01 if name == "auc" else 0.0006
        assert getattr(floor, name) == pytest.approx(value, abs=rounding), name


def test_an_independent_resample_bounds_what_independent_rows_can_score(
    real_day: Day,
) -> None:
    train, _ = split(real_day[1], 0.8, 0)
    floor = total_variation(train, resample(train, 1), ORIGINS_1KM)
    assert floor == pytest.approx(0.067, abs=0.005)
