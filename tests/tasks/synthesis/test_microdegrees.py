import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.region import Box
from tasks.synthesis.microdegrees import (
    MICRO,
    anywhere,
    are_trips,
    corners,
    distance_between,
    rounded,
)
from tests.tasks.synthesis.boxes import any_holed_area


@given(south=st.floats(-85, 84.9), west=st.floats(-180, 179.9))
def test_corners_are_the_outermost_microdegrees_inside(south: float, west: float) -> None:
    box = Box(name="a", south=south, west=west, north=south + 0.05, east=west + 0.05)
    low_y, low_x, high_y, high_x = corners([box])[0]
    assert low_y / MICRO >= box.south > (low_y - 1) / MICRO
    assert low_x / MICRO >= box.west > (low_x - 1) / MICRO
    assert high_y / MICRO <= box.north < (high_y + 1) / MICRO
    assert high_x / MICRO <= box.east < (high_x + 1) / MICRO


def test_positions_are_rounded_within_bounds() -> None:
    values = rounded(np.array([1.0000004, 2.0, -3.0]), np.array(0), np.array(1_500_000))
    assert values.tolist() == [1_000_000, 1_500_000, 0]


def test_a_microdegree_is_eleven_centimetres() -> None:
    zero, one = np.array([0]), np.array([1])
    assert distance_between(zero, zero, one, zero)[0] == pytest.approx(0.1112, abs=1e-4)


@settings(max_examples=30)
@given(area=any_holed_area(), rows=st.integers(0, 2000))
def test_ends_anywhere_are_those_of_trips(area: Box, rows: int) -> None:
    other = Box(name="other", south=-1, west=3, north=-0.98, east=3.02)
    index = np.arange(rows) % 2
    ends = anywhere([area, other], index, np.random.default_rng(rows))
    assert ends.shape == (rows, 4)
    assert are_trips([area, other], index, ends).all()
    assert not are_trips([area, other], 1 - index, ends).any()
    assert not are_trips([area, other], np.full(rows, -1), ends).any()
