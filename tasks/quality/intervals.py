"""What a figure is worth: intervals over runs that differ in their noise and in their split."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import stats

from tasks.quality.columns import Floats
from tasks.quality.errors import QualityError

FEWEST_SEEDS, FEWEST_SPLITS = 5, 3


@dataclass(frozen=True)
class Interval:
    """A mean over runs with its confidence interval.

    Attributes:
        mean: Mean of all runs.
        half_width: The interval reaches this far to either side.
        runs: Number of runs.
    """

    mean: float
    half_width: float
    runs: int

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.mean + self.half_width

    def __str__(self) -> str:
        """The mean and the half width, three digits after the point.

        Examples:
            >>> print(Interval(0.1287, 0.0042, 15))
            0.129 ± 0.004
        """
        return f"{self.mean:.3f} ± {self.half_width:.3f}"


def intervals(runs: pa.Table, confidence: float = 0.95) -> dict[str, Interval]:
    """Student's t intervals of the mean of every column over seeds and splits.

    Runs on one split are alike beyond their noise, so they are no independent draws. The model is
    a one-way layout with random splits: the variance of the mean is the mean square between splits
    over the number of runs, with one degree of freedom less than there are splits. Where that is
    not above the mean square within splits, splits do not matter, and the latter is taken with
    its own degrees of freedom. What is left out is that splits of one table share rows: the
    interval is for other noise and other splits of this table, not for other days.

    Args:
        runs: Columns `split` and `seed`, and one column of numbers per metric. Every split was
            run with the same number of seeds, its own or those of the others; noise is fresh in
            every run.
        confidence: Probability that the interval holds the mean, between 0 and 1.

    Returns:
        One interval per metric, in the order of the columns.

    Raises:
        QualityError: If a column is missing, if there are fewer than five seeds in all or three
            splits, if a split has a seed twice, or if not all have the same number, two at least.

    Examples:
        >>> table = pa.table({
        ...     "split": [0] * 5 + [1] * 5 + [2] * 5,
        ...     "seed": [0, 1, 2, 3, 4] * 3,
        ...     "tvd": [0.10, 0.12, 0.11, 0.13, 0.14] * 3,
        ... })
        >>> print(intervals(table)["tvd"])
        0.120 ± 0.009
    """
    layout = _layout(runs)
    return {
        name: _interval(np.asarray(runs[name].to_numpy(), np.float64)[layout], confidence)
        for name in runs.column_names
        if name not in ("split", "seed")
    }


def _layout(runs: pa.Table) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Rows of the runs of every split, shape (splits, seeds of each)."""
    if not {"split", "seed"} <= set(runs.column_names):
        raise QualityError("the table of runs needs the columns split and seed")
    place = {
        pair: row
        for row, pair in enumerate(
            zip(runs["split"].to_pylist(), runs["seed"].to_pylist(), strict=True)
        )
    }
    splits, seeds = sorted({s for s, _ in place}), {s for _, s in place}
    if len(splits) < FEWEST_SPLITS or len(seeds) < FEWEST_SEEDS:
        raise QualityError(
            f"{len(seeds)} seeds on {len(splits)} splits are too few for an interval; "
            f"run at least {FEWEST_SEEDS} seeds on {FEWEST_SPLITS} splits"
        )
    rows = [[place[pair] for pair in sorted(place) if pair[0] == split] for split in splits]
    if len(place) != len(runs) or len(set(map(len, rows))) != 1 or len(rows[0]) < 2:
        raise QualityError("every split must be run equally often, and at least twice")
    return np.array(rows)


def _interval(values: Floats, confidence: float) -> Interval:
    """The interval of values of shape (splits, seeds)."""
    splits, seeds = values.shape
    means = values.mean(axis=1)
    between = seeds * float(np.var(means, ddof=1))
    within = float(np.sum((values - means[:, None]) ** 2)) / (splits * (seeds - 1))
    square, freedom = max((between, splits - 1), (within, splits * (seeds - 1)))
    quantile = float(stats.t.ppf((1 + confidence) / 2, freedom))
    return Interval(float(values.mean()), quantile * (square / values.size) ** 0.5, values.size)
