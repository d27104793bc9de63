import numpy as np
import pytest

from tasks.quality.errors import QualityError
from tasks.quality.queries import RangeQueries, draw_queries, range_error
from tests.tasks.quality.conftest import MakeTrips, table_of


def test_answers_count_what_starts_or_ends_in_the_rectangle_between_the_hours() -> None:
    trips = table_of(
        [
            (8, 0.0, 0.0, 0.5, 0.5),
            (8, 0.0, 0.3, 0.5, 0.5),  # starts too far east
            (23, 0.0, 0.0, 0.5, 0.5),
            (2, 0.1, 0.2, 0.9, 0.9),  # starts in the corner
        ]
    )
    queries = RangeQueries(
        end=np.array([0, 0, 1, 1]),
        centre=np.array([[0.0, 0.0], [0.0, 0.0], [0.5, 0.5], [0.5, 0.5]]),
        half=np.full((4, 2), [0.1, 0.2]),
        first=np.array([8, 22, 0, 9]),
        hours=np.array([1, 5, 24, 3]),
    )
    assert queries.counts(trips).tolist() == [1, 2, 3, 0]


def test_queries_follow_from_table_and_seed(make_trips: MakeTrips) -> None:
    trips = make_trips(200, 1)
    a, b, other = (draw_queries(trips, seed, 50) for seed in (1, 1, 2))
    assert np.array_equal(a.centre, b.centre)
    assert np.array_equal(a.first, b.first)
    assert not np.array_equal(a.centre, other.centre)
    assert (a.counts(trips) > 0).mean() > 0.5  # they ask about places that are used


def test_error_is_zero_on_equal_tables_and_grows_with_the_distance(make_trips: MakeTrips) -> None:
    trips = make_trips(2000, 1)
    assert range_error(trips, trips.take(np.random.default_rng(0).permutation(2000))) == 0
    near = range_error(trips, make_trips(2000, 2))
    far = range_error(trips, table_of([(3, 52.31, 10.61, 52.32, 10.62)] * 2000))
    assert 0 < near < far / 2


def test_error_of_an_empty_answer_is_1_and_of_a_small_count_is_bounded() -> None:
    real = table_of([(12, 0.0, 0.0, 0.0, 0.0)])
    nowhere = table_of([(12, 50.0, 0.0, 50.0, 0.0)])
    answered = np.mean(draw_queries(real, 0).counts(real))
    assert range_error(real, nowhere) == pytest.approx(answered)


def test_empty_tables_are_refused(make_trips: MakeTrips) -> None:
    some, none = make_trips(50, 1), make_trips(0, 1)
    for a, b in ((some, none), (none, some)):
        with pytest.raises(QualityError, match=r"without (trips|rows)"):
            range_error(a, b)
