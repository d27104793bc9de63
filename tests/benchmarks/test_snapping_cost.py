import numpy as np
import pytest

from tasks.cities import metropolis
from tests.benchmarks.snapping_cost import measure_cost, streets
from tests.tasks.synthesis.trip_field.conftest import random_field


def test_streets_are_as_far_apart_as_they_should_be_and_all_of_them_count() -> None:
    area = metropolis.box(0.02)
    lines = streets(area, 200)
    assert len(lines) == 12 + 9  # 2.2 km from south to north, 1.7 km from west to east
    cost = measure_cost(random_field(area, 0), 1_000, 200)
    inside = sum(len(line) - 1 for line in lines)
    assert 0.9 * inside < cost.segments <= inside + 50
    # the nearest of two sets of streets 200 m apart is 29 m away in the median
    assert cost.median_m == pytest.approx(100 * (1 - np.sqrt(0.5)), rel=0.25)
    assert cost.moved > 0.8
