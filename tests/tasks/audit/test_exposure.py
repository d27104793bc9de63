import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from tasks.audit.exposure import UNSEEN_BITS, Canaries, Exposure, allowed_mean, exposures

EACH, REFERENCES = 25, 1023


class Memory:
    """A model that guesses at every trip, and finds those it keeps much likelier."""

    def __init__(self, kept: set[int], boost: float) -> None:
        self._kept = kept
        self._boost = boost

    def log_likelihood(self, trips: pa.Table) -> NDArray[np.float64]:
        names = trips["name"].to_pylist()
        chance = np.random.default_rng(names[0]).random(len(names))
        kept = np.array([name in self._kept for name in names])
        return np.asarray(np.log(chance) + self._boost * kept)


class Indifferent:
    """A model to which all trips are the same."""

    def log_likelihood(self, trips: pa.Table) -> NDArray[np.float64]:
        return np.zeros(trips.num_rows)


def deal(seed: int) -> Canaries:
    names = np.random.default_rng(seed).permutation(100_000)[: 3 * EACH + REFERENCES]
    return Canaries.deal(pa.table({"name": names}), EACH, copies=20)


def kept(trips: pa.Table) -> set[int]:
    return set(trips["name"].to_pylist())


def test_what_a_model_never_saw_is_not_exposed() -> None:
    groups = [exposures(Memory(set(), 0), Indifferent(), deal(seed), True) for seed in range(40)]
    found = [group for of_one in groups for group in of_one]
    assert np.mean([group.mean for group in found]) == pytest.approx(UNSEEN_BITS, abs=0.1)
    assert np.mean([group.p_value < 0.1 for group in found]) == pytest.approx(0.1, abs=0.08)
    assert np.mean([group.is_noticed for group in found]) < 0.02


def test_what_a_model_keeps_is_exposed_to_the_last_bit() -> None:
    canaries = deal(0)
    unseen, once, often = exposures(
        Memory(kept(canaries.often), 50.0), Indifferent(), canaries, False
    )
    assert set(often.bits) == {10.0}  # first of 1024
    assert often.is_noticed
    assert not unseen.is_noticed
    assert not once.is_noticed
    assert (once.copies, often.copies, often.candidates) == (1, 20, 1024)


def test_what_the_reference_knows_too_is_no_exposure() -> None:
    canaries = deal(2)
    model = Memory(kept(canaries.often), 50.0)
    assert {group.mean for group in exposures(model, model, canaries, False)} == {0.0}


def test_trips_that_are_as_likely_as_others_are_ranked_last() -> None:
    found = exposures(Indifferent(), Indifferent(), deal(0), True)
    assert {group.mean for group in found} == {0.0}


def test_the_most_that_epsilon_allows_is_not_called_a_violation() -> None:
    generator = np.random.default_rng(0)

    def exposed(by: float) -> Exposure:
        bits = generator.exponential(1 / np.log(2), 40) + by / np.log(2)
        return Exposure("planted once", True, 1, tuple(bits), 1 << 20, 0.0)

    assert np.mean(exposed(1.0).bits) == pytest.approx(allowed_mean(1.0), abs=0.7)
    assert not any(exposed(1.0).exceeds(1.0) for _ in range(100))
    assert exposed(4.0).exceeds(1.0)


def test_planted_days_hold_what_was_planted() -> None:
    canaries = deal(1)
    day = canaries.plant(pa.table({"name": np.full(7, -1)}))["name"].to_pylist()
    assert len(day) == 7 + EACH + 20 * EACH
    assert not kept(canaries.unseen) & set(day)
    assert all(day.count(name) == 20 for name in kept(canaries.often))
    assert canaries.references.num_rows == REFERENCES
