import numpy as np
import pytest

from tasks.privacy.sampler import PoissonSampler


def test_rule_3_each_record_enters_each_step_independently() -> None:
    records, probability, steps = 400, 0.3, 2000
    sampler = PoissonSampler(records, probability)
    masks = np.zeros((steps, records), bool)
    for mask in masks:
        mask[sampler.draw()] = True
    deviation = (probability * (1 - probability)) ** 0.5
    assert np.abs(masks.mean(axis=0) - probability).max() < 6 * deviation / steps**0.5
    # a shuffled epoch or a fixed batch has a batch size without, or with too little, variance
    sizes = masks.sum(axis=1)
    assert sizes.var() == pytest.approx(records * deviation**2, rel=0.2)
    pairs = np.corrcoef(masks.T)[np.triu_indices(records, 1)]
    assert np.abs(pairs).max() < 6.5 / steps**0.5
    in_a_row = np.corrcoef(masks[:-1].ravel(), masks[1:].ravel())[0, 1]
    assert abs(in_a_row) < 6 / masks.size**0.5


def test_rule_3_draws_may_be_empty_or_everything() -> None:
    assert PoissonSampler(1000, 1e-12).draw().size == 0
    assert PoissonSampler(1000, 1.0).draw().tolist() == list(range(1000))
    assert PoissonSampler(0, 0.5).draw().size == 0


@pytest.mark.parametrize(("records", "probability"), [(-1, 0.5), (1, 0.0), (1, 1.1)])
def test_impossible_sampling_is_refused(records: int, probability: float) -> None:
    with pytest.raises(ValueError):
        PoissonSampler(records, probability)
