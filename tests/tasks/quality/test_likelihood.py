import numpy as np
import pytest

from tasks.quality.errors import QualityError
from tasks.quality.likelihood import bits_per_trip, uniform_bits
from tasks.region import Box


def test_the_uniform_density_costs_the_uniform_bits(box: Box) -> None:
    square_degrees = (box.north - box.south) * (box.east - box.west)
    log_density = np.full(10, -np.log(24) - 2 * np.log(square_degrees))
    assert bits_per_trip(log_density) == pytest.approx(uniform_bits([box]))


def test_two_areas_cost_as_much_as_one_of_their_size() -> None:
    halves = [Box(name=f"h{i}", south=i, west=0, north=i + 0.5, east=1) for i in range(2)]
    whole = Box(name="whole", south=0, west=0, north=1, east=1)
    assert uniform_bits(halves) == pytest.approx(uniform_bits([whole]))


def test_an_impossible_trip_costs_infinitely_much_and_no_density_is_an_error() -> None:
    assert bits_per_trip(np.array([0.0, -np.inf])) == np.inf
    with pytest.raises(QualityError, match="1 held-out trips have no density"):
        bits_per_trip(np.array([0.0, np.nan]))
    with pytest.raises(QualityError, match="no trip was held out"):
        bits_per_trip(np.array([]))


def test_polygons_cost_the_bits_of_their_size() -> None:
    triangle = [[8.0, 50.0], [9.0, 50.0], [9.0, 51.0], [8.0, 50.0]]
    half = Box.model_validate({"name": "half", "polygons": [[triangle]]})
    whole = Box(name="whole", south=50, west=8, north=51, east=9)
    assert uniform_bits([half]) == pytest.approx(uniform_bits([whole]) - 2)
