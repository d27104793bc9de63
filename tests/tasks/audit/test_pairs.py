import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.audit.pairs import distinguish

DELTA = 1e-6


def laplace_pair(
    epsilon: float, runs: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    with_record, without = generator.laplace(0, 1 / epsilon, (2, runs))
    return with_record + 1, without


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0])
def test_the_loss_of_a_laplace_mechanism_is_nearly_proven(epsilon: float) -> None:
    found = distinguish("laplace", *laplace_pair(epsilon, 200_000), epsilon, 0.0)
    assert 0.85 * epsilon < found.epsilon_lower <= epsilon
    assert not found.is_violation


def test_a_mechanism_that_costs_more_than_it_says_is_refuted() -> None:
    assert distinguish("laplace", *laplace_pair(2.0, 50_000), 1.0, 0.0).is_violation


def test_days_that_do_not_differ_prove_nothing_as_often_as_the_confidence_says() -> None:
    generator = np.random.default_rng(2)
    bounds = [
        distinguish(
            "null", generator.normal(size=300), generator.normal(size=300), 0.0, 0.0
        ).epsilon_lower
        for _ in range(60)
    ]
    assert np.mean([bound > 0 for bound in bounds]) <= 0.05 + 3 * (0.05 * 0.95 / 60) ** 0.5


def test_an_event_of_atoms_is_found() -> None:
    generator = np.random.default_rng(3)
    with_record, without = (generator.random((2, 4000)) < [[0.5], [0.01]]).astype(float)
    found = distinguish("coin", with_record, without, 1.0, 0.0)
    assert 3 < found.epsilon_lower < np.log(50)
    assert "with the record" in found.event


def test_too_few_or_unequal_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="as many"):
        distinguish("x", np.zeros(4), np.zeros(5), 1.0, 0.0)
