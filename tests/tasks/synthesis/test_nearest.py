import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mobility.distance import haversine
from tasks.synthesis import nearest
from tasks.synthesis.nearest import Floats, NearestWays


def slowly(segments: Floats, place: Floats) -> float:
    """Distance of one place to the nearest of many points along each segment, metres."""
    share = np.linspace(0, 1, 1001)[:, None, None]
    points = segments[:, 0] + share * (segments[:, 1] - segments[:, 0])
    return float(haversine(place[0], place[1], points[..., 1], points[..., 0]).min())


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    latitude=st.floats(-84.5, 84.5),
    spread=st.sampled_from([0.0005, 0.005, 0.05]),
    within=st.sampled_from([3.0, 25.0, 100.0, 1000.0]),
)
def test_it_is_the_nearest_point_of_all(
    seed: int, latitude: float, spread: float, within: float
) -> None:
    generator = np.random.default_rng(seed)
    stretch = np.array([1 / np.cos(np.radians(latitude)), 1])
    start = np.array([8, latitude]) + stretch * generator.uniform(-0.01, 0.01, (12, 2))
    end = start + stretch * generator.normal(0, spread, (12, 2))
    end[::3] = start[::3]
    segments = np.stack([start, end], axis=1)
    places = (np.array([8, latitude]) + stretch * generator.uniform(-0.011, 0.011, (20, 2)))[
        :, ::-1
    ]
    points, found = NearestWays(segments, within).of(places)
    apart = haversine(*places.T, *points.T)
    least = np.array([slowly(segments, place) for place in places])
    # distances along the chords of the slow search differ by half of one of its steps
    step = 0.51 / 1000 * haversine(start[:, 1], start[:, 0], end[:, 1], end[:, 0]).max()
    assert (apart[found] <= least[found] * (1 + 1e-4) + 1e-6).all()
    assert (apart[found] >= least[found] * (1 - 1e-4) - step - 1e-6).all()
    assert (apart[found] <= within).all()
    assert (least[~found] > within * (1 - 1e-4) - 1e-6).all()
    assert np.array_equal(points[~found], places[~found])
    on_a_line = [slowly(segments, point) for point in points[found]]
    assert (np.array(on_a_line) <= step + 1e-6).all()


def test_many_places_of_one_cell_are_taken_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    start = np.array([8.0, 50.0]) + generator.uniform(0, 0.001, (40, 2))
    ways = NearestWays(np.stack([start, start + 0.0002], axis=1), 100)
    places = np.array([50.0, 8.0]) + generator.uniform(0, 0.001, (300, 2))
    at_once = ways.of(places)
    monkeypatch.setattr(nearest, "_PAIRS_AT_ONCE", 50)
    in_turns = ways.of(places)
    for one, other in zip(at_once, in_turns, strict=True):
        assert np.array_equal(one, other)
    assert at_once[1].sum() > 200


def test_no_places_have_no_nearest_points() -> None:
    ways = NearestWays(np.array([[[8.0, 50.0], [8.0, 50.0]]]), 100)
    points, found = ways.of(np.zeros((0, 2)))
    assert (points.shape, found.shape) == ((0, 2), (0,))
