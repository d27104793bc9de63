import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.quality.errors import QualityError
from tasks.quality.histograms import (
    DESTINATIONS_1KM,
    HOUR_ORIGINS_5KM,
    ORIGINS_1KM,
    PAIRS_1KM,
    PAIRS_5KM,
    Cells,
    common_part_of_commuters,
    counts,
    kendall_tau,
    length_divergence,
    total_variation,
)
from tests.tasks.quality.conftest import MakeTrips, Row, table_of

ALL_CELLS = (PAIRS_5KM, PAIRS_1KM, ORIGINS_1KM, DESTINATIONS_1KM, HOUR_ORIGINS_5KM)
SOME = settings(max_examples=40)

place = st.integers(0, 40).map(lambda step: step * 0.004)
row = st.tuples(st.integers(0, 23), place, place, place, place)
tables = st.lists(row, min_size=1, max_size=30)


@SOME
@given(tables, tables, st.sampled_from(ALL_CELLS))
def test_total_variation_is_a_distance_from_0_to_1(
    a: list[Row], b: list[Row], cells: Cells
) -> None:
    one, other = table_of(a), table_of(b)
    value = total_variation(one, other, cells)
    assert 0 <= value <= 1
    assert value == total_variation(other, one, cells)
    assert total_variation(one, table_of(a[::-1]), cells) == 0
    assert total_variation(table_of(a[::-1]), other, cells) == pytest.approx(value, abs=1e-12)


@SOME
@given(tables, tables)
def test_length_divergence_is_a_distance_from_0_to_1(a: list[Row], b: list[Row]) -> None:
    one, other = table_of(a), table_of(b)
    value = length_divergence(one, other)
    assert 0 <= value <= 1
    assert value == pytest.approx(length_divergence(other, one), abs=1e-12)
    assert length_divergence(one, table_of(a[::-1])) == 0
    assert length_divergence(table_of(a[::-1]), other) == value


@SOME
@given(tables, tables, tables, st.sampled_from(ALL_CELLS))
def test_total_variation_obeys_the_triangle_inequality(
    a: list[Row], b: list[Row], c: list[Row], cells: Cells
) -> None:
    one, other, third = map(table_of, (a, b, c))
    detour = total_variation(one, third, cells) + total_variation(third, other, cells)
    assert total_variation(one, other, cells) <= detour + 1e-12


@SOME
@given(tables, tables)
def test_finer_cells_are_never_closer(a: list[Row], b: list[Row]) -> None:
    one, other = table_of(a), table_of(b)
    coarse, fine = (total_variation(one, other, cells) for cells in (PAIRS_5KM, PAIRS_1KM))
    assert coarse <= fine + 1e-12
    assert total_variation(one, other, ORIGINS_1KM) <= fine + 1e-12


# hour, origin, destination: cells of 0.01 degrees (0, 0) -> (0, 1) twice, (0, 0) -> (0, 0),
# (5, 0) -> (5, 9)
HAND_MADE: list[Row] = [
    (8, 0.001, 0.001, 0.001, 0.011),
    (8, 0.002, 0.008, 0.009, 0.019),
    (9, 0.001, 0.001, 0.004, 0.004),
    (9, 0.051, 0.001, 0.051, 0.091),
]
# (0, 0) -> (0, 1), (0, 0) -> (0, 0) twice, (7, 0) -> (7, 9)
OTHER: list[Row] = [
    (8, 0.001, 0.001, 0.001, 0.011),
    (9, 0.002, 0.008, 0.002, 0.001),
    (9, 0.001, 0.001, 0.004, 0.004),
    (9, 0.071, 0.001, 0.071, 0.091),
]


def test_total_variation_of_hand_made_tables() -> None:
    a, b = table_of(HAND_MADE), table_of(OTHER)
    assert total_variation(a, b, PAIRS_1KM) == 0.5  # a half, a quarter, a quarter; cell (5, 0)
    assert total_variation(a, b, PAIRS_5KM) == 0
    assert total_variation(a, b, ORIGINS_1KM) == 0.25
    assert total_variation(a, b, DESTINATIONS_1KM) == 0.5
    assert total_variation(a, b, HOUR_ORIGINS_5KM) == 0.25


def test_tables_of_two_sizes_compare_by_shares() -> None:
    doubled = table_of(HAND_MADE * 2)
    assert total_variation(table_of(HAND_MADE), doubled, PAIRS_1KM) == 0
    assert length_divergence(table_of(HAND_MADE), doubled) == 0


def test_cells_are_aligned_to_whole_degrees_on_both_sides_of_zero() -> None:
    # 52.35 / 0.05 is 1046.9999999999998 in floating point
    trips = table_of([(0, 52.35, -0.001, -0.05, 0.05), (0, 52.39999, -0.05, -0.0001, 0.0999)])
    keys = PAIRS_5KM.keys(trips)
    assert keys.tolist() == [[1047, -1, -1, 1], [1047, -1, -1, 1]]


def test_cells_that_whole_degrees_would_cut_are_refused() -> None:
    for degrees in (0.03, 0.7, 0.0, -0.05, float("nan")):
        with pytest.raises(QualityError, match="not a whole number of cells"):
            Cells(degrees)


def test_counts_hold_every_row_of_both_tables_even_far_apart() -> None:
    far = [(h, y, x, -y, -x) for h, y, x in [(0, 89.99, 179.99), (23, -89.99, -179.99)]]
    p, q = counts(table_of(far), table_of(far[:1]), Cells(0.00001, "pairs", by_hour=True))
    assert sorted(zip(p, q, strict=True)) == [(1.0, 0.0), (1.0, 1.0)]


def test_length_divergence_of_hand_made_tables() -> None:
    def of(*lengths_m: float) -> pa.Table:
        return table_of([(0, 0.0, 0.0, 0.0, metres / 111_195) for metres in lengths_m])

    assert length_divergence(of(200, 200), of(5000, 5000)) == pytest.approx(1)
    # one of two moves to another bin: m = (3/4, 1/4)
    expected = (math.log2(4 / 3) + 0.5 * math.log2(2 / 3) + 0.5 * math.log2(2)) / 2
    assert length_divergence(of(200, 200), of(200, 5000)) == pytest.approx(expected)
    # too short for any bin: half of the mass is missing
    expected = (math.log2(4 / 3) + 0.5 * math.log2(2 / 3)) / 2
    assert length_divergence(of(200, 200), of(200, 50)) == pytest.approx(expected)


def test_common_part_of_hand_made_tables_counts_what_leaves_its_cell() -> None:
    a, b = table_of(HAND_MADE), table_of(OTHER)
    assert common_part_of_commuters(a, b, 0.01) == pytest.approx(2 * 1 / (3 + 2))
    assert common_part_of_commuters(a, a, 0.01) == 1
    with pytest.raises(QualityError, match="no trip leaves its cell of 1 degrees"):
        common_part_of_commuters(a, b, 1)


def test_common_part_of_one_size_is_what_total_variation_leaves(make_trips: MakeTrips) -> None:
    a, b = make_trips(300, 1), make_trips(300, 2)
    keys = [PAIRS_1KM.keys(table) for table in (a, b)]
    away = [np.any(key[:, :2] != key[:, 2:], axis=1) for key in keys]
    size = min(map(np.count_nonzero, away))
    one, other = (
        table.filter(pa.array(mask)).slice(0, size)
        for table, mask in zip((a, b), away, strict=True)
    )
    expected = 1 - total_variation(one, other, PAIRS_1KM)
    assert common_part_of_commuters(one, other, 0.01) == pytest.approx(expected)


def test_kendall_tau_is_1_for_equal_order_and_minus_1_for_the_opposite() -> None:
    def of(*counts: int) -> pa.Table:
        return table_of(
            [
                (0, 0.02 * cell, 0.0, 1.0, 1.0)
                for cell, count in enumerate(counts)
                for _ in range(count)
            ]
        )

    assert kendall_tau(of(1, 2, 3), of(2, 4, 9), ORIGINS_1KM) == pytest.approx(1)
    assert kendall_tau(of(1, 2, 3), of(3, 2, 1), ORIGINS_1KM) == pytest.approx(-1)
    # of the three pairs of cells two agree and one does not
    assert kendall_tau(of(1, 2, 3), of(2, 1, 3), ORIGINS_1KM) == pytest.approx(1 / 3)
    assert math.isnan(kendall_tau(of(1, 1, 1), of(3, 2, 1), ORIGINS_1KM))


def test_empty_tables_and_missing_columns_are_refused_in_one_line() -> None:
    some, none = table_of(HAND_MADE), table_of([])
    for a, b in ((some, none), (none, some), (none, none)):
        with pytest.raises(QualityError, match="without rows"):
            total_variation(a, b, PAIRS_5KM)
        with pytest.raises(QualityError, match="without rows"):
            kendall_tau(a, b, PAIRS_5KM)
        with pytest.raises(QualityError, match="without rows"):
            length_divergence(a, b)
    with pytest.raises(QualityError, match="no column origin_longitude"):
        total_variation(some, some.drop_columns("origin_longitude"), PAIRS_5KM)
    nulls = some.set_column(0, "hour", pa.array([None, 1, 2, 3], pa.int8()))
    with pytest.raises(QualityError, match="1 rows have no hour"):
        total_variation(some, nulls, HOUR_ORIGINS_5KM)
