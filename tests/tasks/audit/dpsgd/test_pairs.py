import pytest
from scipy import stats

from tasks.audit.dpsgd.pairs import subsampled_gaussian_scores
from tasks.privacy.mechanism import SubsampledGaussian


def test_scores_of_a_gaussian_have_its_two_distributions() -> None:
    mechanism = SubsampledGaussian(0.5, 2.0, steps=4, reserve_steps=0, l2_norm_clip=0.5)
    with_record, without = subsampled_gaussian_scores(mechanism, 20_000)
    unit = 0.5 / (0.5 * 40_000)  # clip norm over the public expected batch
    assert stats.kstest(without / unit, stats.norm(0, 4).cdf).pvalue > 1e-4
    assert with_record.mean() / unit == pytest.approx(2, abs=0.15)
    assert (with_record / unit).var() == pytest.approx(16 + 1, rel=0.06)
