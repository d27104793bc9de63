"""Whether the noise of a measurement is what it says: as much in every table, and fresh.

Attempts on a day without trips release their noise alone. Divided by what is stated of it, it has
variance 1 in every table; it is independent between attempts, and between the tables of one.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tasks.audit.check import Check
from tasks.privacy.weighted_counts import WeightedMeasurement

Noise = dict[str, NDArray[np.float64]]
"""For each table the noise of every attempt in standard deviations, shape (attempts, cells)."""

_ATTEMPTS = 8


def check_noise(mechanism: WeightedMeasurement, attempts: int = _ATTEMPTS) -> Check:
    """Measure a day without trips, again and again, and look at the noise.

    Args:
        mechanism: What measures.
        attempts: How often, at least 2.
    """
    nobody = {table.name: np.zeros((0, table.distinct), np.int64) for table in mechanism.tables}
    measured = [mechanism.begin().measure(nobody) for _ in range(attempts)]
    noise = {
        table.name: np.stack([counts[table.name] for counts in measured])
        / (table.multiplier * table.stddev)
        for table in mechanism.tables
    }
    cells = sum(table.cells for table in mechanism.tables)
    return Check(
        "every table has the noise that is stated, and every attempt noise of its own",
        f"{attempts} measurements of {len(noise)} tables, {cells:,} cells",
        noise_p_value(noise),
    )


def noise_p_value(noise: Noise) -> float:
    """How likely independent noise of the stated size is to look as strange as this.

    The statistics, corrected for their number (Bonferroni): each table's variance; the correlation
    of each two attempts, over all tables; that of each two tables, over all attempts and the cells
    that both have.

    Returns:
        A p-value, at most 1.
    """
    p_values = [*_of_variances(noise), *_of_attempts(noise), *_of_tables(noise)]
    return min(1.0, len(p_values) * min(p_values))


def _of_variances(noise: Noise) -> Iterator[float]:
    for values in noise.values():
        total = stats.chi2(values.size)
        squares = float(np.sum(values**2))
        yield 2 * float(min(total.cdf(squares), total.sf(squares)))


def _of_attempts(noise: Noise) -> Iterator[float]:
    together = np.concatenate(list(noise.values()), axis=1)
    for one, other in combinations(together, 2):
        yield _of_correlation(one, other)


def _of_tables(noise: Noise) -> Iterator[float]:
    for one, other in combinations(noise.values(), 2):
        cells = min(one.shape[1], other.shape[1])
        yield _of_correlation(one[:, :cells].ravel(), other[:, :cells].ravel())


def _of_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Two-sided, for the sum of products of independent standard normal numbers."""
    return 2 * float(stats.norm.sf(abs(np.sum(one * other)) / len(one) ** 0.5))
