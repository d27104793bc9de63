import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.synthesis.trip_field.lattice import Floats
from tasks.synthesis.trip_field.surprise import loosening

LIMIT = 4.0
BLOCKS = np.repeat(np.arange(40), 25)
SCALES = [BLOCKS, BLOCKS // 20]
NOISE = 289.0


def drawn(seed: int) -> tuple[Floats, Floats]:
    """Innovations as large as predicted, and the variances of the predictions."""
    generator = np.random.default_rng(seed)
    predicted = generator.gamma(1.0, 100.0, len(BLOCKS)) + 1
    return generator.normal(0, np.sqrt(predicted + NOISE)), predicted


def test_a_usual_day_surprises_hardly_anywhere() -> None:
    surprised = [(loosening(*drawn(seed), NOISE, SCALES, LIMIT).together > 1) for seed in range(50)]
    assert np.mean(surprised) < 5e-3


def test_what_deviates_together_is_seen_where_no_cell_alone_is() -> None:
    innovation, predicted = drawn(0)
    here = BLOCKS == 7
    innovation[here] += 1.5 * np.sqrt(predicted[here] + NOISE)
    found = loosening(innovation, predicted, NOISE, SCALES, LIMIT)
    assert (found.alone == 1).all()
    assert (found.together[here] > 10).all()
    assert (found.together[BLOCKS == 8] == 1).all()


def test_deviations_to_all_sides_are_seen_too() -> None:
    innovation, predicted = drawn(1)
    area = BLOCKS // 20 == 1
    innovation[area] *= 1.5
    found = loosening(innovation, predicted, NOISE, SCALES, LIMIT).together
    assert (found[area] > 1.5).all()
    assert found[~area].mean() < 1.1


def test_one_place_alone_does_not_loosen_its_neighbours() -> None:
    innovation, predicted = drawn(2)
    innovation[100] = 5000
    found = loosening(innovation, predicted, NOISE, SCALES, LIMIT)
    assert found.together[100] > 1000
    assert (np.delete(found.together, 100) == 1).all()


@given(arrays(float, 12, elements=st.floats(-1e5, 1e5)), st.floats(0.1, 1e4), st.floats(0.1, 1e4))
def test_predictions_are_only_loosened_and_as_far_as_needed(
    innovation: Floats, variance: float, noise: float
) -> None:
    predicted = np.full(12, variance)
    found = loosening(innovation, predicted, noise, [np.arange(12) // 4], LIMIT)
    assert (found.alone >= 1).all()
    assert (found.together >= found.alone).all()
    admitted = found.alone * predicted + noise
    assert (innovation**2 <= LIMIT**2 * admitted * (1 + 1e-9)).all()
