import numpy as np
import pytest

from tasks.cities.curve import Curve


def test_a_curve_goes_round_the_clock() -> None:
    curve = Curve(0.5, (23.5, 1.0, 2.0))
    before, after = curve(np.array([22.5, 0.5]))
    assert before == pytest.approx(after)
    assert curve(np.array([11.5]))[0] == pytest.approx(0.5)
