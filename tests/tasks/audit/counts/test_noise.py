from dataclasses import replace

import numpy as np
import pytest

from tasks.audit.check import IMPLAUSIBLE
from tasks.audit.counts.noise import Noise, check_noise, noise_p_value
from tasks.privacy.weighted_counts import (
    WeightedMeasurement,
    WeightedMeasurementRun,
)

MECHANISM = WeightedMeasurement.within(
    1.2, {"ends": (300, 2, 0.6), "flows": (900, 1, 0.38), "hours": (24, 1, 0.02)}
)
SIZES = {"ends": 300, "flows": 900, "hours": 24}


def noise(generator: np.random.Generator) -> Noise:
    return {name: generator.normal(size=(8, cells)) for name, cells in SIZES.items()}


def test_noise_as_it_should_be_has_uniform_p_values_at_least() -> None:
    generator = np.random.default_rng(0)
    p_values = np.array([noise_p_value(noise(generator)) for _ in range(200)])
    assert np.mean(p_values < 0.1) <= 0.1 + 3 * (0.1 * 0.9 / 200) ** 0.5


@pytest.mark.parametrize("name", list(SIZES))
@pytest.mark.parametrize("size", [0.5, 0.6, 1.7])
def test_one_table_with_noise_of_another_size_is_implausible(name: str, size: float) -> None:
    made = noise(np.random.default_rng(1))
    made[name] *= size
    assert noise_p_value(made) < IMPLAUSIBLE


def test_noise_that_is_shared_is_implausible() -> None:
    for attempt in (slice(0, 2), slice(3, 5)):
        made = noise(np.random.default_rng(2))
        for values in made.values():
            values[attempt] = values[attempt.start]
        assert noise_p_value(made) < IMPLAUSIBLE
    made = noise(np.random.default_rng(3))
    made["flows"][:, :300] = made["ends"]
    assert noise_p_value(made) < IMPLAUSIBLE


def test_the_mechanism_adds_the_noise_that_it_states() -> None:
    found = check_noise(MECHANISM)
    assert not found.is_violation
    assert found.seen == "8 measurements of 3 tables, 1,224 cells"


class _HalfIn(WeightedMeasurement):
    """Adds half of its noise to the smallest table."""

    def begin(self) -> WeightedMeasurementRun:
        *others, least = self.tables
        tables = (*others, replace(least, sigma=least.sigma / 2))
        return WeightedMeasurementRun(WeightedMeasurement(tables))


def test_a_mechanism_with_too_little_noise_in_one_small_table_is_found_out() -> None:
    assert check_noise(_HalfIn(MECHANISM.tables)).is_violation
