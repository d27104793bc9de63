"""The same measurement on several splits with several seeds: the table that `intervals` reads."""

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from tasks.quality.errors import QualityError
from tasks.quality.splits import split

Measure = Callable[[pa.Table, pa.Table, int], Mapping[str, float]]
"""From rows to learn from, rows held out and a seed to one number per figure."""

REPORTED_SPLITS = (0, 1, 2)
"""Splits of the figures that are reported."""
CHOICE_SPLITS = (20, 21, 22)
"""Splits that choices may be made on: a choice is not to be judged by the rows that made it."""
SEEDS = (0, 1, 2, 3, 4)
"""Labels of the runs on a split. Private noise is fresh whatever they are."""


def runs_of(
    trips: pa.Table,
    measure: Measure,
    splits: Sequence[int] = REPORTED_SPLITS,
    seeds: Sequence[int] = SEEDS,
    share: float = 0.8,
) -> pa.Table:
    """Measure on every split with every seed.

    Args:
        trips: The day.
        measure: Makes a synthetic day of the first rows and compares.
        splits: Seeds of the splits.
        seeds: Handed to `measure`, one after the other.
        share: Part of the rows to learn from.

    Returns:
        Columns `split` and `seed`, then the figures, one row per run.

    Raises:
        QualityError: If the runs do not all give the same figures, or there is no run.

    Examples:
        >>> day = pa.table({"hour": list(range(10))})
        >>> runs_of(day, lambda train, held, seed: {"rows": len(train)}, (0,), (0, 1)).to_pylist()
        [{'split': 0, 'seed': 0, 'rows': 8}, {'split': 0, 'seed': 1, 'rows': 8}]
    """
    rows: list[dict[str, float]] = []
    for number in splits:
        train, held_out = split(trips, share, number)
        for seed in seeds:
            figures = measure(train, held_out, seed)
            rows.append({"split": number, "seed": seed, **figures})
    if len({tuple(row) for row in rows}) != 1:
        raise QualityError("every run must give the same figures, and there must be one run")
    return pa.Table.from_pylist(rows)
