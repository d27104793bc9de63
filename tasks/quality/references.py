"""What gives a figure its meaning: the same figure of real rows held out, and of rows redrawn.

Every figure compares a table with the training rows. Three tables are compared: the synthetic
rows; real rows held out, which tell how close another sample of the same law comes; and a
bootstrap of the training rows (B. Efron, "Bootstrap Methods: Another Look at the Jackknife",
Annals of Statistics 7(1), 1979), which tells how close rows come that are copies. All three have
one size, since most distances of finite samples shrink with their sizes.

Synthetic rows that are as far away as the held-out ones could not be better without copying.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from tasks.quality.errors import QualityError


@dataclass(frozen=True)
class Beside:
    """A figure beside its references.

    Attributes:
        synthetic: Of the synthetic rows.
        held_out: Of real rows held out.
        bootstrap: Of the training rows redrawn; None where copies make it meaningless.
    """

    synthetic: float
    held_out: float
    bootstrap: float | None

    @classmethod
    def mean(cls, figures: Iterable["Beside"]) -> "Beside":
        """The mean of figures that all have a bootstrap; those that are NaN are left out.

        Examples:
            >>> Beside.mean([Beside(0.0, 0.5, 1.0), Beside(1.0, float("nan"), 1.0)])
            Beside(synthetic=0.5, held_out=0.5, bootstrap=1.0)
        """
        values = np.array(
            [(each.synthetic, each.held_out, each.bootstrap) for each in figures], np.float64
        ).reshape(-1, 3)
        total, known = np.nansum(values, axis=0), np.sum(~np.isnan(values), axis=0)
        means = np.where(known, total / np.maximum(known, 1), np.nan)
        return cls(*means.tolist())


@dataclass(frozen=True)
class Compared:
    """The training rows, and the three tables of one size that are compared with them."""

    training: pa.Table
    synthetic: pa.Table
    held_out: pa.Table
    bootstrap: pa.Table

    @classmethod
    def of(cls, training: pa.Table, synthetic: pa.Table, held_out: pa.Table, seed: int) -> Self:
        """Draw as many rows of each as the shorter of synthetic and held-out rows has.

        Args:
            training: The rows that the synthetic ones were made of.
            synthetic: Rows of a model.
            held_out: Real rows that are none of the training rows.
            seed: Of the draws.

        Raises:
            QualityError: If a table is empty.
        """
        for name, table in (
            ("training", training),
            ("synthetic", synthetic),
            ("held-out", held_out),
        ):
            if not len(table):
                raise QualityError(f"there are no {name} rows; nothing can be compared")
        size = min(len(synthetic), len(held_out))
        generator = np.random.default_rng(seed)
        return cls(
            training,
            _some(synthetic, size, generator),
            _some(held_out, size, generator),
            training.take(generator.integers(len(training), size=size)),
        )

    def each(
        self, measure: Callable[[pa.Table, pa.Table], float], *, copies: bool = True
    ) -> Beside:
        """A figure of all three tables.

        Args:
            measure: The figure, of the training rows and of a table that is compared with them.
            copies: Whether it means anything of rows that are copies.
        """
        return Beside(
            measure(self.training, self.synthetic),
            measure(self.training, self.held_out),
            measure(self.training, self.bootstrap) if copies else None,
        )


def _some(table: pa.Table, size: int, generator: np.random.Generator) -> pa.Table:
    if len(table) == size:
        return table
    return table.take(np.sort(generator.choice(len(table), size, replace=False)))
