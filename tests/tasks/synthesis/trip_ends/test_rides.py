import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.synthesis.trip_ends.rides import RidePrior

EDGES = 100 * 2 ** (np.arange(40) / 4)


@given(mean_m=st.floats(300, 5000), spread=st.floats(0.3, 1.5))
def test_lengths_and_hours_are_probabilities(mean_m: float, spread: float) -> None:
    prior = RidePrior(mean_m=mean_m, spread=spread)
    lengths, shifts = prior.lengths(EDGES), prior.shifts(EDGES)
    assert lengths.min() >= 0
    assert lengths.sum() == pytest.approx(1)
    assert shifts.sum(axis=0) == pytest.approx(1)
    assert (np.diff(shifts[1]) >= 0).all()  # longer rides end later


def test_the_law_has_the_mean_that_was_published() -> None:
    prior = RidePrior()
    draws = np.random.default_rng(0).lognormal(np.log(prior.median_m), prior.spread, 400_000)
    assert draws.mean() == pytest.approx(0.77 * 1609.344, rel=0.01)
