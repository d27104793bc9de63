import numpy as np
import pytest
from scipy import stats

from tasks.audit.counts.pairs import count_scores
from tasks.privacy.weighted_counts import WeightedMeasurement

TABLES = {"hours": (24, 1, 0.4), "ends": (64, 2, 0.6)}


@pytest.mark.parametrize("trips_per_unit", [1, 3])
def test_scores_are_those_of_one_gaussian_of_the_joint_sensitivity(trips_per_unit: int) -> None:
    mechanism = WeightedMeasurement.within(1.3, TABLES, trips_per_unit)
    fresh, replayed = count_scores(mechanism, 8000)
    loss = trips_per_unit * sum(t.distinct / t.stddev**2 for t in mechanism.tables)
    unit = loss * trips_per_unit
    assert unit**0.5 == pytest.approx(1 / 1.3, rel=0.01)
    for (with_unit, without), variance in ((fresh, 1), (replayed, 2)):
        spread = (variance * unit) ** 0.5 / trips_per_unit
        assert stats.kstest(without, stats.norm(0, spread).cdf).pvalue > 1e-4
        assert stats.kstest(with_unit, stats.norm(loss, spread).cdf).pvalue > 1e-4


def test_all_replicas_are_scored_however_many_they_are() -> None:
    fresh, _ = count_scores(WeightedMeasurement.within(2.0, {"hours": (24, 1, 1.0)}), 25_001)
    assert [len(scores) for scores in fresh] == [25_001, 25_001]
    assert len(np.unique(fresh[0])) > 20
