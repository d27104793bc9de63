import numpy as np
import pytest
import tensorflow as tf

from tasks.synthesis.trip_field.ascent import Ascent, Effects, rates

TARGET = np.array([3.0, -1.0], np.float32)
PRECISION = np.array([9.0, 0.0], np.float32)


def loss(effects: Effects) -> tf.Tensor:
    """A Gaussian likelihood that tells of the first effect alone."""
    return tf.reduce_sum(PRECISION * (effects["a"] - TARGET) ** 2) / 2


@pytest.fixture
def ascent() -> Ascent:
    return Ascent(loss, {"a": (2,), "unused": (1,)})


def test_the_peak_is_between_likelihood_and_prior(ascent: Ascent) -> None:
    found = ascent.climb(rates(400, 0.05))
    assert found["a"].numpy() == pytest.approx([2.7, 0.0], abs=0.01)
    assert found["unused"].numpy() == pytest.approx([0.0], abs=1e-6)


def test_a_prior_elsewhere_moves_what_the_likelihood_does_not_tell(ascent: Ascent) -> None:
    centre = {"a": np.array([1.0, 1.5], np.float32), "unused": np.array([-2.0], np.float32)}
    found = ascent.climb(rates(400, 0.05), centre=centre)
    assert found["a"].numpy() == pytest.approx([2.8, 1.5], abs=0.01)
    assert found["unused"].numpy() == pytest.approx([-2.0], abs=0.01)


def test_two_climbs_do_not_know_of_each_other_unless_told(ascent: Ascent) -> None:
    first = ascent.climb(rates(20, 0.05))["a"].numpy()
    assert (ascent.climb(rates(20, 0.05))["a"].numpy() == first).all()
    assert (ascent.climb(rates(20, 0.05), is_known=True)["a"].numpy() != first).any()


def test_a_peak_nearby_is_reached_from_the_last_in_a_few_steps(ascent: Ascent) -> None:
    peak = {name: found.numpy() for name, found in ascent.climb(rates(400, 0.05)).items()}
    centre = {"a": np.array([0.0, 1.0], np.float32), "unused": np.array([1.0], np.float32)}
    steps = [0.05] * 40
    for is_known in (False, True, True):
        found = ascent.climb(steps, peak, centre, is_known=is_known)
    assert found["a"].numpy() == pytest.approx([2.7, 1.0], abs=0.15)
