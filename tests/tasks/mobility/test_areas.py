import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.mobility.areas import area_of, held, holds, square_degrees
from tasks.region import Box


def square(west: float, south: float, side: float) -> list[list[float]]:
    east, north = round(west + side, 6), round(south + side, 6)
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


HOLED = Box.model_validate(
    {"name": "holed", "polygons": [[square(8, 50, 0.1), square(8.02, 50.02, 0.05)]]}
)
PLAIN = Box(name="plain", south=50, west=8.05, north=50.2, east=8.3)


@pytest.mark.parametrize(
    ("latitude", "longitude", "inside"),
    [
        (50.01, 8.01, True),
        (50.0, 8.1, True),  # a corner
        (50.1, 8.033333, True),  # the northern edge
        (50.02, 8.04, True),  # the edge of the hole
        (50.020001, 8.04, False),
        (50.05, 8.05, False),
        (50.100001, 8.05, False),
        (50.05, 7.999999, False),
        (float("nan"), 8.01, False),
    ],
)
def test_edges_belong_to_an_area_and_holes_do_not(
    latitude: float, longitude: float, inside: bool
) -> None:
    assert holds(HOLED, np.array([latitude]), np.array([longitude])).tolist() == [inside]


def test_all_places_of_a_row_lie_in_the_first_area_that_has_them() -> None:
    start = np.array([50.01, 50.05, 50.05, 50.15]), np.array([8.06, 8.06, 8.01, 8.1])
    end = np.array([50.01, 50.05, 50.05, 50.15]), np.array([8.09, 8.09, 8.09, 8.01])
    assert area_of([HOLED, PLAIN], start, end).to_pylist() == ["holed", "plain", "holed", None]
    assert area_of([PLAIN, HOLED], start, end).to_pylist() == ["plain", "plain", "holed", None]


@given(st.lists(st.tuples(st.floats(49.9, 50.3), st.floats(7.9, 8.4)), max_size=40))
def test_the_rule_by_name_and_the_rule_by_index_are_one(places: list[tuple[float, float]]) -> None:
    boxes = [HOLED, PLAIN]
    latitude, longitude = np.array(places).reshape(-1, 2).T
    names = area_of(boxes, (latitude, longitude)).to_pylist()
    index = np.array(
        [-1 if name is None else ["holed", "plain"].index(name) for name in names], int
    )
    assert (held(boxes, index, (latitude, longitude)) == (index >= 0)).all()


def test_the_size_of_an_area_leaves_holes_out() -> None:
    assert square_degrees(HOLED) == pytest.approx(0.01 - 0.0025)
    assert square_degrees(PLAIN) == pytest.approx(0.05)
