import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.mobility.distance import haversine
from tasks.synthesis import sphere

latitudes = st.floats(-84, 84)
longitudes = st.floats(-179, 179)


@given(latitudes, longitudes, st.floats(1, 200_000), st.floats(0, 6.283))
def test_a_destination_lies_where_it_was_asked_for(
    latitude: float, longitude: float, distance: float, angle: float
) -> None:
    to = sphere.destination(latitude, longitude, distance, angle)
    assert float(haversine(latitude, longitude, *to)) == pytest.approx(distance, rel=1e-6, abs=1e-3)
    turned = float(sphere.bearing(latitude, longitude, *to)) - angle
    assert abs((turned + np.pi) % (2 * np.pi) - np.pi) < 1e-3


def test_bearings_stay_below_a_full_turn() -> None:
    west = sphere.bearing(
        np.array([10.0, 10.0]),
        np.array([5.0, 5.0]),
        np.array([11.0, 9.0]),
        np.array([5 - 1e-18, 4]),
    )
    assert ((west >= 0) & (west < 2 * np.pi)).all()
