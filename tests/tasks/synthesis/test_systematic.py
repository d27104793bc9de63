import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.synthesis.systematic import pick, pick_evenly, pick_of, systematic


@settings(max_examples=50)
@given(
    shares=st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any),
    rows=st.integers(0, 50),
    seed=st.integers(0, 99),
)
def test_each_index_gets_its_share_give_or_take_one(
    shares: list[int], rows: int, seed: int
) -> None:
    weights = np.array(shares, float)
    index, rest = systematic(weights, rows, np.random.default_rng(seed))
    counts = np.bincount(index, minlength=len(weights))
    assert (np.abs(counts - rows * weights / weights.sum()) < 1 + 1e-9).all()
    assert (counts[weights == 0] == 0).all()
    assert ((rest >= 0) & (rest < 1)).all()
    assert (np.diff(index) >= 0).all()


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_what_weighs_nothing_is_never_picked(kind: str) -> None:
    weights = np.array([[0, 0.1, 0.2, 0, 0.7, 0]] * 5).astype(kind)
    uniform = np.array([0, 0.05, 0.15, 0.5, 1 - 2**-53])
    assert pick(weights, uniform).tolist() == [1, 1, 2, 4, 4]
    assert pick_of(weights[:1], np.zeros(5, np.int64), uniform).tolist() == [1, 1, 2, 4, 4]


def test_columns_are_picked_in_proportion_to_their_weights() -> None:
    generator = np.random.default_rng(0)
    weights = generator.random((3, 7))
    group = np.repeat(np.arange(3), 40_000)
    uniform = generator.random(len(group))
    for chosen in (pick(weights[group], uniform), pick_of(weights, group, uniform)):
        for each in range(3):
            found = np.bincount(chosen[group == each], minlength=7) / 40_000
            assert found == pytest.approx(weights[each] / weights[each].sum(), abs=0.012)


def test_any_stretch_of_keys_gets_its_columns_in_their_shares() -> None:
    generator = np.random.default_rng(1)
    weights = generator.dirichlet(np.ones(24), 60)
    key = generator.integers(60, size=6_000)
    chosen = pick_evenly(key, lambda rows: weights[key[rows]], generator)
    for stretch in (key < 5, (key >= 20) & (key < 60), key >= 0):
        due = weights[key[stretch]].sum(axis=0)
        assert np.abs(np.bincount(chosen[stretch], minlength=24) - due).max() < 12
    assert pick_evenly(key[:0], lambda rows: weights[key[rows]], generator).size == 0
