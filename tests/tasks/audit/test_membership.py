from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from tasks.audit.membership import (
    FALSE_ALARMS,
    attack_membership,
    largest_area,
    largest_hit_rate,
    likelihood_ratio,
)

TRIPS = pa.table({"name": np.arange(800)})
MEMBERS = np.arange(0, 800, 2)


def leaking(by: float) -> Callable[[pa.Table], "Leaky"]:
    """Training that makes a trip it saw more likely by so many standard deviations."""
    generator = np.random.default_rng(3)
    return lambda trips: Leaky(trips, by, generator)


class Leaky:
    def __init__(self, seen: pa.Table, by: float, generator: np.random.Generator) -> None:
        self._seen, self._by, self._generator = seen["name"].to_numpy(), by, generator

    def log_likelihood(self, trips: pa.Table) -> NDArray[np.float64]:
        name = trips["name"].to_numpy()
        difficulty = -10.0 * np.sin(name)  # some trips are hard for every model
        saw = np.isin(name, self._seen)
        return np.asarray(difficulty + self._by * saw + self._generator.normal(size=len(name)))


def test_a_model_that_does_not_leak_is_guessed_at() -> None:
    found = attack_membership(TRIPS, MEMBERS, leaking(0.0), 8, 0, is_private=True)
    assert found.area.low < 0.5 < found.area.high
    for false_alarms, hits in zip(FALSE_ALARMS, found.hits, strict=True):
        assert hits.low < 2 * false_alarms


def test_a_model_that_leaks_is_found_out_whatever_trips_are_hard() -> None:
    found = attack_membership(TRIPS, MEMBERS, leaking(3.0), 8, 0, is_private=False)
    assert found.area.low > 0.9
    assert found.hits[0].value > 0.3
    assert (found.shadows, found.members, found.is_private) == (8, 400, False)


def test_the_ratio_is_that_of_two_normal_densities() -> None:
    told = np.array([[1.0], [3.0], [-1.0], [-3.0]])
    seen = np.array([[True], [True], [False], [False]])
    # means 2 and -2, variances 1: log-odds 4 x
    assert likelihood_ratio(np.array([0.5]), told, seen) == pytest.approx([2 * 0.5 * 2])


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 4.0])
def test_the_largest_area_is_that_under_the_largest_hit_rates(epsilon: float) -> None:
    alarms = np.linspace(0, 1, 20_001)
    hits = [largest_hit_rate(epsilon, 0.0, each) for each in alarms.tolist()]
    area = float(np.sum((np.array(hits[1:]) + np.array(hits[:-1])) / 2) * (alarms[1] - alarms[0]))
    assert largest_area(epsilon) == pytest.approx(area, abs=1e-4)


def test_shadows_come_in_pairs() -> None:
    with pytest.raises(ValueError, match="in pairs"):
        attack_membership(TRIPS, MEMBERS, leaking(0.0), 5, 0, is_private=True)
