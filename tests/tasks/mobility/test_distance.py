import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tasks.mobility.distance import EARTH_RADIUS_M, haversine

LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-180, 180)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_equals_the_angle_between_unit_vectors(a: float, b: float, c: float, d: float) -> None:
    def vector(latitude: float, longitude: float) -> NDArray[np.float64]:
        phi, lam = math.radians(latitude), math.radians(longitude)
        return np.array(
            [math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)]
        )

    u, v = vector(a, b), vector(c, d)
    angle = math.atan2(float(np.linalg.norm(np.cross(u, v))), float(u @ v))
    assert math.isclose(float(haversine(a, b, c, d)), EARTH_RADIUS_M * angle, abs_tol=0.2)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_is_symmetric_and_within_half_the_circumference(
    a: float, b: float, c: float, d: float
) -> None:
    there, back = float(haversine(a, b, c, d)), float(haversine(c, d, a, b))
    assert math.isclose(there, back, rel_tol=1e-9, abs_tol=1e-6)
    assert 0 <= there <= math.pi * EARTH_RADIUS_M + 1e-6
