import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.mobility.areas import holds
from tasks.mobility.extent import box_around
from tasks.region import Box
from tasks.region.model import WIDEST

LATITUDES = st.lists(st.floats(-90, 90), min_size=1, max_size=50)


def box_of(latitude: list[float], longitude: list[float]) -> Box:
    edges = box_around((np.array(latitude), np.array(longitude)))
    return Box.model_validate(
        dict(zip(("south", "west", "north", "east"), edges, strict=True)) | {"name": "box"}
    )


@given(LATITUDES, st.lists(st.floats(-180, 180), min_size=1, max_size=50))
def test_any_places_give_a_box_that_a_region_can_have(
    latitude: list[float], longitude: list[float]
) -> None:
    box = box_of(latitude, longitude)
    assert max(box.north - box.south, box.east - box.west) <= WIDEST
    for edge in box.edges:
        assert edge == pytest.approx(round(edge, 2), abs=1e-12)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=1, max_size=50))
def test_the_places_of_a_city_are_in_it_with_a_margin(offsets: list[tuple[float, float]]) -> None:
    latitude = np.array([50 + north for north, _ in offsets])
    longitude = np.array([8 + east for _, east in offsets])
    box = box_of(latitude.tolist(), longitude.tolist())
    for margin in (-0.0199, 0.0199):
        assert holds(box, latitude + margin, longitude + margin).all()
    assert box.north - box.south <= np.ptp(latitude) + 0.0601


def test_a_few_far_away_do_not_widen_it() -> None:
    city = np.linspace(50, 50.1, 998)
    box = box_of([*city, 10.0, 60.0], [*(city - 42), 8.0, 8.0])
    assert box.south == 49.98
    assert box.north == 50.12


def test_places_up_to_five_degrees_apart_are_all_in_it() -> None:
    box = box_of([35.96, 38.9], [-78.9, -77.2])
    assert (box.south, box.north) == (35.94, 38.92)
