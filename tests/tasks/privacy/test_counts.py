import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.privacy.counts import NoisyCount
from tasks.privacy.errors import StepsSpentError, TargetUnreachableError


def test_rule_6_a_count_is_measured_once() -> None:
    count = NoisyCount(1, Fraction(3)).begin()
    count.measure(5)
    with pytest.raises(StepsSpentError, match="measured already"):
        count.measure(5)


@given(epsilon=st.floats(1e-6, 10), sensitivity=st.integers(1, 50))
def test_a_count_keeps_its_epsilon_and_wastes_little(epsilon: float, sensitivity: int) -> None:
    count = NoisyCount.within(epsilon, sensitivity)
    assert count.epsilon <= epsilon * (1 + 1e-12)
    assert float(count.scale) <= sensitivity / epsilon * 1.001 + 0.0011
    count.begin().measure(1000)


def test_a_count_that_would_drown_in_noise_is_refused() -> None:
    assert 10**9 <= NoisyCount.within(1e-7, 100).scale <= 10**9 + 1
    with pytest.raises(TargetUnreachableError, match="as small as 1e-12"):
        NoisyCount.within(1e-12, 1)


def test_a_count_is_noised_with_its_scale() -> None:
    mechanism = NoisyCount(1, Fraction(20))
    errors = np.array([mechanism.begin().measure(1000) - 1000 for _ in range(800)])
    assert abs(errors.mean()) < 6 * 28.3 / 800**0.5
    assert errors.std() == pytest.approx(20 * math.sqrt(2), rel=0.25)


@pytest.mark.parametrize("changed", [NoisyCount(2, Fraction(20)), NoisyCount(1, Fraction(21))])
def test_rule_4_a_changed_field_changes_the_event(changed: NoisyCount) -> None:
    assert NoisyCount(1, Fraction(20)).event() != changed.event()


@pytest.mark.parametrize(("sensitivity", "scale"), [(0, 1), (1, 0)])
def test_impossible_counts_are_refused(sensitivity: int, scale: int) -> None:
    with pytest.raises(ValueError):
        NoisyCount(sensitivity, Fraction(scale))
