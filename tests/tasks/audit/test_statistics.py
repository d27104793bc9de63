import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from tasks.audit.statistics import area_under_roc, one_run_epsilon, one_run_p_value, rate


@settings(max_examples=30)
@given(trials=st.integers(1, 60), chance=st.floats(0.001, 0.999))
def test_clopper_pearson_covers_the_true_rate_as_often_as_it_says(
    trials: int, chance: float
) -> None:
    masses = stats.binom.pmf(np.arange(trials + 1), trials, chance)
    found = [rate(k, trials) for k in range(trials + 1)]
    covers = [each.low <= chance <= each.high for each in found]
    assert masses[covers].sum() >= 0.95 - 1e-9
    # each side alone errs at most in 2.5 %, which is what bounds built of one side need
    over = [each.low > chance for each in found]
    assert masses[over].sum() <= 0.025 + 1e-9


@given(
    canaries=st.integers(1, 200),
    epsilon=st.floats(0, 5),
    share=st.floats(0, 1),
    right=st.floats(0, 1),
)
def test_the_p_value_without_delta_is_a_binomial_tail(
    canaries: int, epsilon: float, share: float, right: float
) -> None:
    guesses = round(share * canaries)
    correct = round(right * guesses)
    success = np.exp(epsilon) / (1 + np.exp(epsilon))
    tail = sum(stats.binom.pmf(k, guesses, success) for k in range(correct, guesses + 1))
    assert one_run_p_value(canaries, guesses, correct, epsilon, 0.0) == pytest.approx(
        min(tail, 1), abs=1e-9
    )


@given(
    correct=st.integers(0, 50), epsilon=st.floats(0, 5), delta=st.sampled_from([0, 1e-6, 1e-3, 0.1])
)
def test_the_p_value_falls_with_right_guesses_and_rises_with_epsilon_and_delta(
    correct: int, epsilon: float, delta: float
) -> None:
    value = one_run_p_value(100, 50, correct, epsilon, delta)
    assert 0 <= value <= 1
    assert one_run_p_value(100, 50, correct, epsilon + 0.5, delta) >= value - 1e-12
    assert one_run_p_value(100, 50, correct, epsilon, delta + 1e-3) >= value - 1e-12
    if correct:
        assert one_run_p_value(100, 50, correct - 1, epsilon, delta) >= value - 1e-12


def right_guesses(epsilon: float, delta: float, runs: int, canaries: int) -> NDArray[np.int64]:
    """Randomised response that tells everything with probability delta, guessed as it answers."""
    generator = np.random.default_rng(4)
    truthful = np.exp(epsilon) / (1 + np.exp(epsilon))
    is_right = generator.random((runs, canaries)) < delta + (1 - delta) * truthful
    return np.asarray(is_right.sum(axis=1))


@pytest.mark.parametrize(
    ("epsilon", "delta"), [(0.0, 0.0), (1.0, 0.0), (1.0, 1e-4), (3.0, 1e-3), (0.5, 0.01)]
)
def test_a_mechanism_that_keeps_its_promise_is_refuted_as_seldom_as_the_confidence_says(
    epsilon: float, delta: float
) -> None:
    canaries, runs = 150, 4000
    counts = right_guesses(epsilon, delta, runs, canaries)
    p_values = {v: one_run_p_value(canaries, canaries, v, epsilon, delta) for v in set(counts)}
    refuted = np.mean([p_values[v] < 0.05 for v in counts])
    assert refuted <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5
    bounds = {v: one_run_epsilon(canaries, canaries, v, delta) for v in set(counts)}
    wrong = np.mean([bounds[v] > epsilon for v in counts])
    assert wrong <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


def test_the_bound_is_tight_where_randomised_response_is() -> None:
    canaries = 4000
    truthful = np.e**2 / (1 + np.e**2)
    assert 1.85 < one_run_epsilon(canaries, canaries, round(truthful * canaries), 0.0) < 2


def test_impossible_guesses_are_refused() -> None:
    with pytest.raises(ValueError, match="impossible"):
        one_run_p_value(10, 11, 5, 1.0, 0.0)


def test_the_area_is_that_of_all_pairs_and_its_interval_covers() -> None:
    generator = np.random.default_rng(1)
    members, others = generator.integers(0, 5, 40) + 1.0, generator.integers(0, 5, 30) + 0.0
    pairs = [(m > o) + 0.5 * (m == o) for m in members for o in others]
    assert area_under_roc(members, others).value == pytest.approx(np.mean(pairs))
    true = float(stats.norm.cdf(0.5 / 2**0.5))
    covered = []
    for _ in range(400):
        found = area_under_roc(generator.normal(0.5, 1, 100), generator.normal(0, 1, 100))
        covered.append(found.low <= true <= found.high)
    assert 0.91 <= np.mean(covered) <= 0.99
