import numpy as np
import pyarrow as pa
import pytest

from tasks.quality.classifiers import Transfer, classifier_auc, features, transfer
from tasks.quality.errors import QualityError
from tasks.quality.splits import halves
from tests.tasks.quality.conftest import MakeTrips, table_of


def shifted(trips: pa.Table, column: str, by: float) -> pa.Table:
    index = trips.column_names.index(column)
    return trips.set_column(index, column, pa.array(trips[column].to_numpy() + by))


def test_features_are_hour_coordinates_differences_and_log_length() -> None:
    seen = features(table_of([(7, 52.0, 10.0, 52.01, 10.02), (7, 52.0, 10.0, 52.0, 10.0)]))
    assert seen[0, :7] == pytest.approx([7, 52.0, 10.0, 52.01, 10.02, 0.01, 0.02])
    assert np.exp(seen[0, 7]) == pytest.approx(1764, rel=0.01)
    assert seen[1, 7] == 0  # no length: taken as one metre


def test_classifier_cannot_tell_halves_of_one_table_apart(make_trips: MakeTrips) -> None:
    a, b = halves(make_trips(3000, 1), seed=0)
    assert classifier_auc(a, b) == pytest.approx(0.5, abs=0.05)


def test_classifier_tells_a_shifted_table_apart(make_trips: MakeTrips) -> None:
    a, b = halves(make_trips(1200, 1), seed=0)
    assert classifier_auc(a, shifted(b, "destination_latitude", 0.05)) > 0.95


def test_copies_of_rows_pull_the_area_below_a_half(make_trips: MakeTrips) -> None:
    trips = make_trips(600, 1)
    assert classifier_auc(trips, trips) < 0.4


def test_classifier_takes_as_many_rows_of_the_longer_table(make_trips: MakeTrips) -> None:
    a, b = make_trips(300, 1), make_trips(900, 2)
    assert classifier_auc(a, b) == pytest.approx(0.5, abs=0.1)


def test_a_forest_learns_from_trips_of_the_same_kind_and_not_from_others(
    make_trips: MakeTrips,
) -> None:
    a, b = halves(make_trips(1500, 1), seed=0)
    good = transfer(a, b)
    reversed_ends = a.rename_columns([a.column_names[index] for index in (0, 3, 4, 1, 2)])
    bad = transfer(shifted(reversed_ends, "origin_longitude", 0.1), b)
    assert isinstance(good, Transfer)
    assert good.destination > bad.destination + 0.1
    assert 0 <= good.hour_band <= 1


def test_hour_bands_are_told_where_place_tells_them() -> None:
    generator = np.random.default_rng(0)
    hour = generator.integers(0, 24, 800)
    band = np.digitize(hour, [6, 10, 16, 20]) % 4
    ends = np.column_stack([band * 0.1, band * 0.1, band * 0.1, band * 0.1 + 0.02])
    trips = table_of(list(map(tuple, np.column_stack([hour, ends]))))
    assert transfer(*halves(trips, 0)).hour_band == 1


def test_tables_that_are_too_small_are_refused(make_trips: MakeTrips) -> None:
    some, none = make_trips(50, 1), make_trips(0, 1)
    with pytest.raises(QualityError, match="a classifier needs 3 rows"):
        classifier_auc(some, some.slice(0, 2))
    for a, b in ((some, none), (none, some)):
        with pytest.raises(QualityError, match="without trips"):
            transfer(a, b)
