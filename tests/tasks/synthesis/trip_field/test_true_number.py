import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.synthesis.trip_field.counted import Counted
from tasks.synthesis.trip_field.law import Law
from tasks.synthesis.trip_field.misfit import Misfit
from tasks.synthesis.trip_field.true_number import interval, true_number

MANY = 1_000_000


def one(mean: float, variance: float) -> Law:
    return Law(np.array([mean]), np.array([variance]))


@given(
    mean=st.floats(0, 1e5),
    variance=st.floats(1e-3, 1e6),
    noise=st.floats(1e-3, 1e6) | st.just(np.inf),
    count=st.floats(-1e4, 1e5),
    rough=st.floats(0, 5),
    share=st.floats(0, 1),
)
def test_a_count_never_makes_a_number_less_certain(
    mean: float, variance: float, noise: float, count: float, rough: float, share: float
) -> None:
    counted = Counted(np.array([count]), np.array([noise]))
    blind = Counted(np.array([0.0]), np.array([np.inf]))
    misfit = Misfit(rough, share)
    law = one(mean, min(variance, noise))
    found = true_number(law, counted, MANY, misfit)
    alone = true_number(law, blind, MANY, misfit)
    assert 0 <= found.mean[0] <= MANY
    assert found.variance[0] <= 1.0001 * min(noise, 25 * alone.variance[0])
    assert alone.mean[0] == mean
    low, high = interval(found)
    assert 0 <= low[0] <= high[0]


def test_what_the_fit_took_from_a_count_is_not_taken_twice() -> None:
    """A law that knows nothing but the count has the count's error, and no more is to be learnt."""
    noise, count = 100.0, 70.0
    prior = 1e6
    fitted = one(count, 1 / (1 / noise + 1 / prior))
    seen = Counted(np.array([count]), np.array([noise]))
    found = true_number(fitted, seen, MANY, Misfit())
    assert found.mean[0] == pytest.approx(count)
    assert found.variance[0] == pytest.approx(noise, rel=0.1)


def test_a_linear_fit_is_undone_and_done_again_with_the_days_own_draw() -> None:
    prior_mean, prior, noise, count = 50.0, 40.0, 60.0, 80.0
    gain = prior / (prior + noise)
    fitted = one(prior_mean + gain * (count - prior_mean), prior * (1 - gain))
    found = true_number(fitted, Counted(np.array([count]), np.array([noise])), MANY, Misfit())
    day = fitted.mean[0] * (1 - fitted.mean[0] / MANY)
    again = (prior + day) / (prior + day + noise)
    assert found.mean[0] == pytest.approx(prior_mean + again * (count - prior_mean))
    assert found.variance[0] == pytest.approx((prior + day) * (1 - again))


def test_the_number_of_all_trips_is_known() -> None:
    nothing = Counted(np.zeros(2), np.full(2, np.inf))
    law = Law(np.array([900.0, 1000.0]), np.array([1.0, 1.0]))
    found = true_number(law, nothing, 1000, Misfit())
    assert found.variance == pytest.approx([91.0, 1.0])


@pytest.mark.parametrize("mean", [0.3, 1.0, 4.0, 30.0, 2000.0])
@pytest.mark.parametrize("wide", [0.3, 1.0, 1.5, 4.0])
def test_intervals_hold_numbers_about_as_often_as_they_say(mean: float, wide: float) -> None:
    """Numbers of means around one mean, so that it does not matter how whole numbers fall."""
    generator = np.random.default_rng(0)
    means = mean * np.exp(generator.uniform(-0.3, 0.3, 20_000))
    variance = wide * means
    if wide > 1:
        numbers = generator.negative_binomial(means / (wide - 1), 1 / wide)
    elif wide == 1:
        numbers = generator.poisson(means)
    else:
        numbers = np.maximum(np.round(generator.normal(means, np.sqrt(variance))), 0)
    low, high = interval(Law(means, variance))
    held = ((low <= numbers) & (numbers <= high)).mean()
    assert held > 0.85
    assert held < 0.97 or high.max() == 1


def test_a_wider_level_is_wider() -> None:
    law = Law(np.array([0.4, 12.0, 500.0]), np.array([0.9, 30.0, 400.0]))
    low, high = interval(law, 0.5)
    lower, higher = interval(law, 0.99)
    assert (lower <= low).all()
    assert (higher > high).all()
