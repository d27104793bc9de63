"""The one-run audit of a measurement of counts: trips as canaries in one measurement.

The measurement is the one that nights run, and the attacker sees all of its noisy tables, which
is what is published. What the twin's own trips add is known, and subtracted. What is left is
noise and canaries, in cells that canaries share: the coins are estimated together, by the linear
estimator of least mean squared error, and each canary's score is the log-odds that follow for its
coin.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import linalg, sparse

from tasks.audit.counts.canaries import CountCanaries, count_canaries
from tasks.audit.counts.counting import Counting
from tasks.audit.one_run import SIMULATIONS, Guess, OneRun, Power, coins, power_of, proven
from tasks.privacy.weighted_counts import Counts, multiplied
from tasks.region.guarantee import Guarantee

Floats = NDArray[np.float64]
Measure = Callable[[pa.Table], Mapping[str, Counts]]

_COIN_PRECISION = 4.0
"""Inverse variance of a fair coin."""
_AT_ONCE = 250


@dataclass(frozen=True)
class CountsAudit:
    """A measurement, its canaries and their attacker.

    Attributes:
        counting: What is counted; its noise is solved for `claimed`.
        claimed: Epsilon and delta that the measurement is said to keep.
        canaries: The canaries; each stands for one unit of the guarantee.
    """

    counting: Counting
    claimed: Guarantee
    canaries: CountCanaries

    @classmethod
    def of(cls, counting: Counting, claimed: Guarantee, canaries: int) -> "CountsAudit":
        """An audit with so many canaries; they are the same whenever it is repeated."""
        made = count_canaries(counting, canaries, np.random.default_rng(0))
        return cls(counting, claimed, made)

    def run(self, twin: pa.Table, seed: int, measure: Measure | None = None) -> OneRun:
        """Measure once with canaries and guess which were in.

        A unit of several trips is a canary as often as the unit may.

        Args:
            twin: A simulated day's trips, columns as `tasks.schema.RELEASE`.
            seed: Seeds the coins.
            measure: What measures, by default `counting`; a broken one must be found out.
        """
        included = coins(self.canaries.trips.num_rows, seed)
        copies = [self.canaries.trips.filter(pa.array(included))] * self._copies
        noisy = (measure or self.counting.measure)(pa.concat_tables([twin, *copies]))
        return proven((self.scores(self._unexplained(noisy, twin)), included), self.claimed, seed)

    def power(self) -> Power:
        """The bound on a measurement that does exactly what it says, by simulation."""
        return power_of(self.simulated(), self.claimed)

    def scores(self, unexplained: Floats) -> Floats:
        """The log-odds of every coin.

        Args:
            unexplained: What the twin's trips do not explain, in standard deviations of the
                noise, shape (cells,), or (cells, runs) for many runs.

        Returns:
            Shape (canaries,), or (canaries, runs).
        """
        expected = self._design.T @ np.full(self._design.shape[0], 0.5)
        estimate = self._covariance @ (self._design @ (unexplained.T - expected).T)
        return np.asarray((estimate.T / np.diag(self._covariance)).T)

    @property
    def _copies(self) -> int:
        return self.counting.mechanism.trips_per_unit

    @cached_property
    def _design(self) -> sparse.csr_matrix:
        return self.canaries.weights * self._copies

    @cached_property
    def _covariance(self) -> Floats:
        """Of the coins given the tables, if coins were normal, shape (canaries, canaries)."""
        precision = (self._design @ self._design.T).toarray()
        precision[np.diag_indices_from(precision)] += _COIN_PRECISION
        inverse, _ = linalg.lapack.dpotri(linalg.cholesky(precision, lower=True), lower=True)
        return np.asarray(np.tril(inverse) + np.tril(inverse, -1).T)

    def _unexplained(self, noisy: Mapping[str, Counts], twin: pa.Table) -> Floats:
        cells = self.counting.touched(twin)
        return np.concatenate(
            [
                (noisy[table.name] - multiplied(table, cells[table.name]))
                / (table.multiplier * table.stddev)
                for table in self.counting.mechanism.tables
            ]
        )

    def simulated(self) -> Iterator[Guess]:
        """Scores and coins of measurements that do exactly what they say."""
        generator = np.random.default_rng(0)
        canaries, cells = self._design.shape
        for _ in range(SIMULATIONS // _AT_ONCE):
            included = generator.random((canaries, _AT_ONCE)) < 0.5
            noise = generator.standard_normal((cells, _AT_ONCE))
            scores = self.scores(self._design.T @ included + noise)
            yield from zip(scores.T, included.T, strict=True)
