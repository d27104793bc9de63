import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from tasks.quality.errors import QualityError
from tasks.quality.intervals import Interval, intervals


def runs_of(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> pa.Table:
    """A table of values of shape (splits, seeds, metrics)."""
    splits, seeds, metrics = values.shape
    columns = values.reshape(-1, metrics)
    return pa.table(
        {
            "split": np.repeat(np.arange(splits), seeds),
            "seed": np.tile(np.arange(seeds), splits),
            **{f"metric {index}": columns[:, index] for index in range(metrics)},
        }
    )


@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("seeds", [2, 5])
def test_intervals_hold_the_mean_as_often_as_they_say(spread: float, seeds: int) -> None:
    """Splits that differ not at all, less than the noise, or more."""
    generator = np.random.default_rng(0)
    noise = generator.normal(5, 1, (3, seeds, 2000))
    values = noise + spread * generator.normal(size=(3, 1, 2000))
    table = runs_of(values)
    numbers = pa.array(range(len(table)))  # every run has a seed of its own
    found = intervals(table.set_column(1, "seed", numbers)).values()
    held = np.mean([interval.low <= 5 <= interval.high for interval in found])
    assert 0.93 < held < 0.995


def test_runs_taken_for_independent_would_hold_it_too_rarely() -> None:
    """Why splits are no independent draws: the plain interval of all runs is far too narrow."""
    generator = np.random.default_rng(0)
    values = generator.normal(5, 1, (3, 5, 500)) + 2 * generator.normal(size=(3, 1, 500))
    flat = values.reshape(15, 500)
    plain = stats.t.ppf(0.975, 14) * flat.std(axis=0, ddof=1) / 15**0.5
    assert np.mean(np.abs(flat.mean(axis=0) - 5) < plain) < 0.8


def test_without_differences_between_splits_it_is_the_interval_within_them() -> None:
    values = np.tile(np.array([1.0, 2, 3, 4, 5]), (3, 1))[:, :, None]
    interval = intervals(runs_of(values))["metric 0"]
    assert interval.mean == 3
    assert interval.runs == 15
    assert interval.half_width == pytest.approx(stats.t.ppf(0.975, 12) * (2.5 / 15) ** 0.5)


def test_without_noise_it_is_the_interval_of_the_splits() -> None:
    values = np.repeat([[1.0], [2.0], [6.0]], 5, axis=1)[:, :, None]
    interval = intervals(runs_of(values), confidence=0.9)["metric 0"]
    assert interval.half_width == pytest.approx(stats.t.ppf(0.95, 2) * (7 / 3) ** 0.5)
    assert (interval.low + interval.high) / 2 == pytest.approx(3)


def test_order_of_runs_does_not_matter() -> None:
    runs = runs_of(np.random.default_rng(1).normal(size=(3, 5, 1)))
    shuffled = runs.take(np.random.default_rng(2).permutation(15))
    one, other = (intervals(table)["metric 0"] for table in (runs, shuffled))
    assert (one.mean, one.half_width) == pytest.approx((other.mean, other.half_width))


def test_too_few_runs_are_refused() -> None:
    for splits, seeds in ((2, 5), (3, 4)):
        with pytest.raises(QualityError, match=f"{seeds} seeds on {splits} splits are too few"):
            intervals(runs_of(np.zeros((splits, seeds, 1))))
    full = runs_of(np.zeros((3, 5, 1)))
    with pytest.raises(QualityError, match="needs the columns split and seed"):
        intervals(full.drop_columns("seed"))
    once = full.slice(0, 5).set_column(0, "split", pa.array(range(5)))
    for broken in (full.slice(1), pa.concat_tables([full, full.slice(0, 1)]), once):
        with pytest.raises(QualityError, match="equally often, and at least twice"):
            intervals(broken)


def test_an_interval_prints_as_people_write_it() -> None:
    assert str(Interval(0.12345, 0.00567, 15)) == "0.123 ± 0.006"
