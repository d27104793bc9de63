from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from tasks.privacy.counts import NoisyCount
from tasks.privacy.domination import dominating_gaussian

Array = NDArray[np.float64]
LEVELS = np.linspace(-3.0, 3.0, 121)


def divergences(chances: Array, losses: Array) -> Array:
    """The exact hockey-stick divergence at each level, from a mechanism's privacy losses."""
    excess = 1 - np.exp(LEVELS[:, None] - losses[None, :])
    return np.asarray((np.maximum(excess, 0) * chances).sum(axis=1))


def of_laplace(scale: float) -> Array:
    """The same of the continuous Laplace mechanism of sensitivity 1."""
    inside = 1 - np.exp((LEVELS - 1 / scale) / 2)
    return np.asarray(np.where(-1 / scale > LEVELS, 1 - np.exp(LEVELS), np.maximum(inside, 0)))


def of_gaussian(noise_multiplier: float) -> Array:
    """The same of the continuous Gaussian mechanism (Balle and Wang 2018)."""
    upper = stats.norm.cdf(0.5 / noise_multiplier - LEVELS * noise_multiplier)
    lower = stats.norm.cdf(-0.5 / noise_multiplier - LEVELS * noise_multiplier)
    return np.asarray(upper - np.exp(LEVELS) * lower)


@pytest.mark.parametrize(
    ("sensitivity", "scale"), [(1, 1), (1, 3), (1, 20), (2, 3), (5, 7), (4, 80)]
)
def test_rule_15_the_event_of_a_count_dominates_it_and_its_namesake_does_not(
    sensitivity: int, scale: int
) -> None:
    count = NoisyCount(sensitivity, Fraction(scale))
    x = np.arange(-60 * scale, 60 * scale + 1)
    chances = np.exp(-np.abs(x) / scale)
    losses = (np.abs(x - sensitivity) - np.abs(x)) / scale
    true = divergences(chances / chances.sum(), losses)
    assert (of_laplace(count.event().noise_multiplier) >= true - 1e-13).all()
    if sensitivity == 1:
        assert (of_laplace(scale) < true - 1e-5).any()


@pytest.mark.parametrize("sigma", [2, 3, 5, 20])
@pytest.mark.parametrize("change", [(1,), (2,), (1, 1), (2, 1), (1, 1, 1, 1), (3,)])
def test_rule_15_the_event_of_a_measurement_dominates_it(
    change: tuple[int, ...], sigma: int
) -> None:
    # the privacy loss is linear in the noise of the cells that change
    squared = sum(cell**2 for cell in change)
    bound = dominating_gaussian(Fraction(sigma), squared).noise_multiplier
    x = np.arange(-12 * sigma, 12 * sigma + 1)
    chances = np.exp(-(x**2) / (2 * sigma**2))
    sums = np.ones(1)
    for cell in change:
        spread = np.zeros((len(x) - 1) * cell + 1)
        spread[::cell] = chances / chances.sum()
        sums = np.convolve(sums, spread)
    losses = (2 * np.arange(len(sums)) - (len(sums) - 1) + squared) / (2 * sigma**2)
    true = divergences(sums, losses)
    assert (of_gaussian(bound) >= true - 1e-13).all()
    if sigma < 20:
        assert (of_gaussian(sigma / squared**0.5) < true * (1 - 1e-4)).any()


def test_noise_too_small_for_its_event_is_refused() -> None:
    with pytest.raises(ValueError, match="under 2"):
        dominating_gaussian(Fraction(3, 2), 1)
