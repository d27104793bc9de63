import math
from collections.abc import Callable
from fractions import Fraction

import dp_accounting
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from tasks.privacy.counts import CountTable, GaussianMeasurement, NoisyCount
from tasks.privacy.errors import StepsSpentError, TargetUnreachableError

Array = NDArray[np.float64]
LEVELS = np.linspace(-3.0, 3.0, 121)


def divergences(chances: Array, losses: Array) -> Array:
    """The exact hockey-stick divergence at each level, from a mechanism's privacy losses."""
    excess = 1 - np.exp(LEVELS[:, None] - losses[None, :])
    return np.asarray((np.maximum(excess, 0) * chances).sum(axis=1))


def of_laplace(scale: float) -> Array:
    """The same of the continuous Laplace mechanism of sensitivity 1."""
    inside = 1 - np.exp((LEVELS - 1 / scale) / 2)
    return np.asarray(np.where(-1 / scale > LEVELS, 1 - np.exp(LEVELS), np.maximum(inside, 0)))


def of_gaussian(noise_multiplier: float) -> Array:
    """The same of the continuous Gaussian mechanism (Balle and Wang 2018)."""
    upper = stats.norm.cdf(0.5 / noise_multiplier - LEVELS * noise_multiplier)
    lower = stats.norm.cdf(-0.5 / noise_multiplier - LEVELS * noise_multiplier)
    return np.asarray(upper - np.exp(LEVELS) * lower)


@pytest.mark.parametrize(
    ("sensitivity", "scale"), [(1, 1), (1, 3), (1, 20), (2, 3), (5, 7), (4, 80)]
)
def test_rule_15_the_event_of_a_count_dominates_it_and_its_namesake_does_not(
    sensitivity: int, scale: int
) -> None:
    count = NoisyCount(sensitivity, Fraction(scale))
    x = np.arange(-60 * scale, 60 * scale + 1)
    chances = np.exp(-np.abs(x) / scale)
    losses = (np.abs(x - sensitivity) - np.abs(x)) / scale
    true = divergences(chances / chances.sum(), losses)
    assert (of_laplace(count.event().noise_multiplier) >= true - 1e-13).all()
    if sensitivity == 1:
        assert (of_laplace(scale) < true - 1e-5).any()


@pytest.mark.parametrize("sigma", [2, 3, 5, 20])
@pytest.mark.parametrize("change", [(1,), (2,), (1, 1), (2, 1), (1, 1, 1, 1), (3,)])
def test_rule_15_the_event_of_a_measurement_dominates_it(
    change: tuple[int, ...], sigma: int
) -> None:
    # the privacy loss is linear in the noise of the cells that change
    tables = tuple(CountTable(1, per_record=cell) for cell in change)
    bound = GaussianMeasurement(tables, Fraction(sigma)).event().noise_multiplier
    x = np.arange(-12 * sigma, 12 * sigma + 1)
    chances = np.exp(-(x**2) / (2 * sigma**2))
    sums = np.ones(1)
    for cell in change:
        spread = np.zeros((len(x) - 1) * cell + 1)
        spread[::cell] = chances / chances.sum()
        sums = np.convolve(sums, spread)
    squared = sum(cell**2 for cell in change)
    losses = (2 * np.arange(len(sums)) - (len(sums) - 1) + squared) / (2 * sigma**2)
    true = divergences(sums, losses)
    assert (of_gaussian(bound) >= true - 1e-13).all()
    if sigma < 20:
        assert (of_gaussian(sigma / squared**0.5) < true * (1 - 1e-4)).any()


@given(
    tables=st.lists(st.builds(CountTable, st.integers(1, 9), st.integers(1, 4)), min_size=1),
    seed=st.integers(0, 99),
)
def test_rule_15_no_record_moves_the_tables_by_more_than_the_sensitivity(
    tables: list[CountTable], seed: int
) -> None:
    measurement = GaussianMeasurement(tuple(tables), Fraction(5))
    generator = np.random.default_rng(seed)
    squared = 0
    for table in tables:
        touched = generator.integers(-1, table.cells, (1, table.per_record))
        squared += int((np.bincount(touched[touched >= 0], minlength=table.cells) ** 2).sum())
    assert squared <= measurement.l2_sensitivity_squared
    worst = sum(int((np.bincount(np.zeros(table.per_record, int)) ** 2).sum()) for table in tables)
    assert worst == measurement.l2_sensitivity_squared


def test_a_measurement_counts_every_table_and_adds_the_stated_noise() -> None:
    tables = (CountTable(20_000, per_record=2), CountTable(3))
    run = GaussianMeasurement(tables, Fraction(25, 2)).begin()
    cells, hours = run.measure([np.array([[7, 7], [-1, 7]]), np.array([[1], [-1]])])
    assert cells.shape == (20_000,)
    assert cells.dtype == hours.dtype == np.int64
    assert np.delete(cells, 7).std() == pytest.approx(12.5, rel=0.05)
    assert abs(cells[7] - 3) < 12.5 * 7
    assert abs(hours[1] - 1) < 12.5 * 7


def test_rule_6_each_measurement_is_made_once() -> None:
    tables = GaussianMeasurement((CountTable(2),), Fraction(3)).begin()
    tables.measure([np.array([[0]])])
    with pytest.raises(StepsSpentError, match="measured already"):
        tables.measure([np.array([[0]])])
    count = NoisyCount(1, Fraction(3)).begin()
    count.measure(5)
    with pytest.raises(StepsSpentError, match="measured already"):
        count.measure(5)


@pytest.mark.parametrize("touched", [[[0, 1]], [[2]], [0]])
def test_cells_that_do_not_fit_their_table_are_refused(touched: list[object]) -> None:
    with pytest.raises(ValueError, match="CountTable"):
        GaussianMeasurement((CountTable(2),), Fraction(3)).begin().measure([np.array(touched)])


@given(epsilon=st.floats(1e-6, 10), sensitivity=st.integers(1, 50))
def test_a_count_keeps_its_epsilon_and_wastes_little(epsilon: float, sensitivity: int) -> None:
    count = NoisyCount.within(epsilon, sensitivity)
    assert count.epsilon <= epsilon * (1 + 1e-12)
    assert float(count.scale) <= sensitivity / epsilon * 1.001 + 0.0011
    count.begin().measure(1000)


def test_a_count_that_would_drown_in_noise_is_refused() -> None:
    assert 10**9 <= NoisyCount.within(1e-7, 100).scale <= 10**9 + 1
    with pytest.raises(TargetUnreachableError, match="as small as 1e-12"):
        NoisyCount.within(1e-12, 1)


@given(noise=st.floats(0.3, 1000), per_record=st.integers(1, 5))
def test_a_measurement_has_at_least_the_noise_asked_for(noise: float, per_record: int) -> None:
    measurement = GaussianMeasurement.with_noise((CountTable(4, per_record),), noise)
    assert measurement.sigma >= 2
    assert float(measurement.sigma) >= noise * per_record * (1 - 1e-12)
    assert float(measurement.sigma) <= max(2, noise * per_record * 1.001 + 0.0011)


def test_a_count_is_noised_with_its_scale() -> None:
    mechanism = NoisyCount(1, Fraction(20))
    errors = np.array([mechanism.begin().measure(1000) - 1000 for _ in range(800)])
    assert abs(errors.mean()) < 6 * 28.3 / 800**0.5
    assert errors.std() == pytest.approx(20 * math.sqrt(2), rel=0.25)


@pytest.mark.parametrize(
    ("mechanism", "changed"),
    [
        (NoisyCount(1, Fraction(20)), NoisyCount(2, Fraction(20))),
        (NoisyCount(1, Fraction(20)), NoisyCount(1, Fraction(21))),
        (
            GaussianMeasurement((CountTable(4),), Fraction(5)),
            GaussianMeasurement((CountTable(4),), Fraction(6)),
        ),
        (
            GaussianMeasurement((CountTable(4),), Fraction(5)),
            GaussianMeasurement((CountTable(4, 2),), Fraction(5)),
        ),
        (
            GaussianMeasurement((CountTable(4),), Fraction(5)),
            GaussianMeasurement((CountTable(4), CountTable(4)), Fraction(5)),
        ),
    ],
)
def test_rule_4_a_changed_field_changes_the_event(
    mechanism: NoisyCount | GaussianMeasurement, changed: NoisyCount | GaussianMeasurement
) -> None:
    assert mechanism.event() != changed.event()
    assert isinstance(mechanism.event(), dp_accounting.DpEvent)


@pytest.mark.parametrize(
    "make",
    [
        lambda: NoisyCount(0, Fraction(1)),
        lambda: NoisyCount(1, Fraction(0)),
        lambda: CountTable(0),
        lambda: CountTable(1, 0),
        lambda: GaussianMeasurement((), Fraction(3)),
        lambda: GaussianMeasurement((CountTable(1),), Fraction(3, 2)),
    ],
)
def test_impossible_mechanisms_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        make()
