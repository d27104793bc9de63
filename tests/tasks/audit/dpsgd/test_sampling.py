import numpy as np
import pytest

from tasks.audit.check import IMPLAUSIBLE
from tasks.audit.dpsgd.sampling import check_sampling, poisson_p_value
from tasks.privacy.mechanism import SubsampledGaussian


@pytest.mark.parametrize(("records", "q", "steps"), [(300, 0.1, 60), (900, 0.03, 40)])
def test_poisson_draws_have_uniform_p_values_at_least(records: int, q: float, steps: int) -> None:
    generator = np.random.default_rng(0)
    p_values = [
        poisson_p_value(
            [np.flatnonzero(generator.random(records) < q) for _ in range(steps)], records, q
        )
        for _ in range(120)
    ]
    assert np.mean(np.array(p_values) < 0.1) <= 0.1 + 3 * (0.1 * 0.9 / 120) ** 0.5


def test_draws_that_are_not_poisson_are_implausible() -> None:
    generator = np.random.default_rng(1)
    records, q, steps = 500, 0.1, 60
    fixed = [generator.choice(records, 50, replace=False) for _ in range(steps)]
    order = [generator.permutation(records) for _ in range(6)]
    shuffled = [batch for epoch in order for batch in np.split(epoch, 10)]
    too_many = [np.flatnonzero(generator.random(records) < 0.13) for _ in range(steps)]
    one_mask = [np.flatnonzero(generator.random(records) < q)] * steps
    for draws in (fixed, shuffled, too_many, one_mask):
        assert poisson_p_value(draws, records, q) < IMPLAUSIBLE


def test_the_mechanism_draws_as_it_says() -> None:
    mechanism = SubsampledGaussian(0.1, 2.0, steps=100, reserve_steps=20, l2_norm_clip=1.0)
    found = check_sampling(mechanism, 1000)
    assert (found.seen, found.is_violation) == ("120 draws from 1,000 records", False)
