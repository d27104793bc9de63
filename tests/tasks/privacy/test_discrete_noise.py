from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from tasks.privacy.discrete_noise import DiscreteNoise

DRAWS = 100_000
SIZES = [Fraction(1, 3), Fraction(1), Fraction(7, 2), Fraction(12_345, 1000), Fraction(40)]


def fixed(seed: int) -> DiscreteNoise:
    return DiscreteNoise(np.random.default_rng(seed).bytes)


def p_value(drawn: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
    """Chi-square of draws against a probability function on -m ... m, small cells joined."""
    middle = len(weights) // 2
    expected = weights / weights.sum() * len(drawn)
    observed = np.bincount(np.clip(drawn, -middle, middle) + middle, minlength=len(weights))
    small = expected < 20
    observed = np.append(observed[~small], observed[small].sum())
    expected = np.append(expected[~small], expected[small].sum())
    if expected[-1] < 20:
        observed[-2], expected[-2] = observed[-2] + observed[-1], expected[-2] + expected[-1]
        observed, expected = observed[:-1], expected[:-1]
    return float(stats.chisquare(observed, expected).pvalue)


def laplace_weights(scale: Fraction) -> NDArray[np.float64]:
    x = np.arange(-int(40 * scale) - 5, int(40 * scale) + 6)
    return np.asarray(np.exp(-np.abs(x) / float(scale)))


def gaussian_weights(sigma: Fraction) -> NDArray[np.float64]:
    x = np.arange(-int(10 * sigma) - 5, int(10 * sigma) + 6)
    return np.asarray(np.exp(-(x**2) / (2 * float(sigma) ** 2)))


@pytest.mark.parametrize("scale", SIZES)
def test_rule_15_discrete_laplace_has_its_exact_probabilities(scale: Fraction) -> None:
    assert p_value(fixed(1).laplace(scale, DRAWS), laplace_weights(scale)) > 1e-3


@pytest.mark.parametrize("sigma", SIZES)
def test_rule_15_discrete_gaussian_has_its_exact_probabilities(sigma: Fraction) -> None:
    assert p_value(fixed(2).gaussian(sigma, DRAWS), gaussian_weights(sigma)) > 1e-3


def test_the_test_tells_slightly_wrong_noise_from_right() -> None:
    drawn = fixed(3).gaussian(Fraction(1, 2), DRAWS)
    rounded = np.rint(np.random.default_rng(4).normal(0, 0.5, DRAWS)).astype(np.int64)
    assert p_value(drawn, gaussian_weights(Fraction(1, 2))) > 1e-3
    assert p_value(drawn, gaussian_weights(Fraction(51, 100))) < 1e-6
    assert p_value(rounded, gaussian_weights(Fraction(1, 2))) < 1e-6


@given(a=st.integers(0, 40), b=st.integers(1, 20), seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_flags_have_the_probability_of_the_exponential_function(a: int, b: int, seed: int) -> None:
    flags = fixed(seed)._exp(np.full(20_000, a), np.full(20_000, b))
    chance = float(np.exp(-a / b))
    assert abs(flags.mean() - chance) <= 6 * (chance * (1 - chance) / 20_000) ** 0.5 + 1e-4


@given(bound=st.integers(1, 2**60), seed=st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_uniform_integers_reach_all_of_their_range(bound: int, seed: int) -> None:
    drawn = fixed(seed)._below(np.full(1000, bound))
    assert drawn.min() >= 0
    assert drawn.max() < bound
    assert drawn.max() >= 0.98 * bound - 1
    assert drawn.min() <= 0.02 * bound


@given(
    numerator=st.integers(1, 2**30 - 1), denominator=st.integers(1, 10**6), seed=st.integers(0, 99)
)
@settings(max_examples=12, deadline=None)
def test_any_size_in_range_gives_noise_of_that_size(
    numerator: int, denominator: int, seed: int
) -> None:
    size = Fraction(numerator, denominator)
    for drawn in (fixed(seed).laplace(size, 300), fixed(seed).gaussian(size, 300)):
        assert np.abs(drawn).max() <= 40 * size
        if size > 10:
            assert 0.7 * size < drawn.std() < 2.1 * size


def test_sizes_out_of_range_are_refused() -> None:
    for size in (Fraction(0), Fraction(-1), Fraction(2**30), Fraction(1, 2**30)):
        with pytest.raises(ValueError, match="out of range"):
            DiscreteNoise().gaussian(size, 1)
        with pytest.raises(ValueError, match="out of range"):
            DiscreteNoise().laplace(size, 1)


def test_rule_1_two_sources_share_nothing() -> None:
    a, b = (DiscreteNoise().laplace(Fraction(10**6), 500) for _ in range(2))
    assert np.mean(a == b) < 0.02


def test_rule_15_no_float_touches_a_count() -> None:
    noise = DiscreteNoise()
    for drawn in (noise.laplace(Fraction(3), 10), noise.gaussian(Fraction(3), 10)):
        assert drawn.dtype == np.int64
    for name, code in vars(DiscreteNoise).items():
        constants = getattr(getattr(code, "__code__", None), "co_consts", ())
        assert not any(isinstance(constant, float) for constant in constants), name
