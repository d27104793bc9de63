import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.audit.exposure import UNSEEN_BITS, Canaries, Exposure, allowed_mean, exposures
from tasks.synthesis.grid import Tokens

EACH, REFERENCES = 25, 1023


class Memory:
    """A model to which every record is as likely as its hash, and those it keeps much likelier."""

    def __init__(self, kept: Tokens, boost: float) -> None:
        self._kept = {row.tobytes() for row in kept}
        self._boost = boost

    def log_likelihood(self, records: Tokens) -> NDArray[np.float64]:
        chance = np.random.default_rng(records[0].tolist()).random(len(records))
        kept = np.array([row.tobytes() in self._kept for row in records])
        return np.asarray(np.log(chance) + self._boost * kept)


def deal(seed: int) -> Canaries:
    candidates = np.random.default_rng(seed).integers(0, 10_000, (3 * EACH + REFERENCES, 4))
    return Canaries.deal(candidates.astype(np.int32), EACH, copies=20)


def test_what_a_model_never_saw_is_not_exposed() -> None:
    groups = [
        exposures(Memory(np.zeros((0, 4), np.int32), 0), deal(seed), True) for seed in range(40)
    ]
    found = [group for of_one in groups for group in of_one]
    assert np.mean([group.mean for group in found]) == pytest.approx(UNSEEN_BITS, abs=0.1)
    assert np.mean([group.p_value < 0.1 for group in found]) == pytest.approx(0.1, abs=0.08)
    assert np.mean([group.is_noticed for group in found]) < 0.02


def test_what_a_model_keeps_is_exposed_to_the_last_bit() -> None:
    canaries = deal(0)
    unseen, once, often = exposures(Memory(canaries.often, 50.0), canaries, False)
    assert set(often.bits) == {10.0}  # first of 1024
    assert often.is_noticed
    assert not unseen.is_noticed
    assert not once.is_noticed
    assert (once.copies, often.copies, often.candidates) == (1, 20, 1024)


def test_records_that_are_as_likely_as_others_are_ranked_last() -> None:
    class Indifferent:
        def log_likelihood(self, records: Tokens) -> NDArray[np.float64]:
            return np.zeros(len(records))

    assert {group.mean for group in exposures(Indifferent(), deal(0), True)} == {0.0}


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
    day = canaries.plant(np.zeros((7, 4), np.int32))
    assert len(day) == 7 + EACH + 20 * EACH
    assert (day[:, None] == canaries.unseen[0]).all(axis=2).sum() == 0
    assert (day[:, None] == canaries.often[0]).all(axis=2).sum() == 20
