import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.comparison import MixedDistance, TripDistance
from tasks.mobility.distance import haversine
from tasks.study.nearest import nearest


def trips(*rows: tuple[int, float, float, float, float]) -> pa.Table:
    names = ["hour", "origin_latitude", "origin_longitude"]
    names += ["destination_latitude", "destination_longitude"]
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def test_trips_are_apart_by_both_ends_and_the_hour() -> None:
    among = trips((8, 50.0, 4.0, 50.1, 4.1), (12, 51.0, 5.0, 51.1, 5.1))
    moved = trips((8, 50.003, 4.0, 50.1, 4.104), (9, 50.0, 4.0, 50.1, 4.1))
    found = nearest(moved, among, TripDistance(hour_m=1000))
    ends = haversine(50, 4, 50.003, 4), haversine(50.1, 4.1, 50.1, 4.104)
    assert found[0] == pytest.approx(np.hypot(*ends), rel=1e-5)
    assert found[1] == pytest.approx(1000, rel=0.01)  # a chord of the day's circle
    late, early = trips((23, 0, 0, 0, 0)), trips((0, 0, 0, 0, 0))
    assert nearest(late, early, TripDistance()) == pytest.approx(1000, rel=0.01)
    assert nearest(late, early, TripDistance(hour_m=0)) == pytest.approx(0, abs=1e-6)


def mixed(*rows: tuple[int, str, dt.date]) -> pa.Table:
    return pa.table(dict(zip("abc", map(list, zip(*rows, strict=True)), strict=True)))


def test_rows_of_any_table_are_apart_by_the_mean_over_columns() -> None:
    day = dt.date(2020, 1, 1)
    among = mixed((0, "x", day), (10, "y", day + dt.timedelta(4)))
    rows = mixed((3, "x", day), (0, "z", day + dt.timedelta(1)), (90, "x", day))
    found = nearest(rows, among, MixedDistance())
    assert found == pytest.approx([0.3 / 3, (1 + 0.25) / 3, 1 / 3])
    second = nearest(rows, among, MixedDistance(), neighbour=2)
    assert second == pytest.approx([(0.7 + 1 + 1) / 3, (1 + 1 + 0.75) / 3, (1 + 1 + 1) / 3])
    assert nearest(rows, among, MixedDistance(), neighbour=9) == pytest.approx(second)


DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2020, 2, 1))
ROWS = st.lists(
    st.tuples(
        st.integers(-9, 9),
        st.sampled_from("xyz"),
        st.dates(dt.date(2020, 1, 1), dt.date(2020, 2, 1)),
    ),
    min_size=1,
    max_size=20,
)


@given(ROWS, ROWS)
def test_a_row_is_at_distance_zero_of_itself_alone(
    rows: list[tuple[int, str, dt.date]], among: list[tuple[int, str, dt.date]]
) -> None:
    found = nearest(mixed(*rows), mixed(*among), MixedDistance())
    assert [distance == 0 for distance in found] == [row in among for row in rows]
    assert np.all((found >= 0) & (found <= 1))


def test_no_rows_have_no_distances() -> None:
    among = mixed((0, "x", dt.date(2020, 1, 1)))
    assert nearest(among.slice(1), among, MixedDistance()).shape == (0,)
