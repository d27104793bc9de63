"""Principal components: the planes in which the real rows vary most, and both tables in them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.quality.columns import Floats, Kinds, codes, numbers
from tasks.quality.fields import kolmogorov_smirnov
from tasks.quality.references import Beside, Compared


@dataclass(frozen=True)
class Components:
    """The first two principal components of the training rows.

    Attributes:
        explained: Share of the variance of the training rows along each.
        similarity: Mean over both of one less the Kolmogorov-Smirnov statistic.
        training: The training rows along them, shape (n, 2), standard deviations.
        synthetic: The synthetic rows, shape (m, 2).
    """

    explained: tuple[float, float]
    similarity: Beside
    training: Floats
    synthetic: Floats


def components(compared: Compared, kinds: Kinds) -> Components | None:
    """Find the components of the training rows and see every table along them.

    Columns are standardised by the training rows first. A category stands for its share of the
    training rows, as in the report on deep structure of NVIDIA's Safe Synthesizer; texts are left
    out. K. Pearson, "On Lines and Planes of Closest Fit to Systems of Points in Space",
    Philosophical Magazine 2(11), 1901.

    Returns:
        The components; None where fewer than two columns of the training rows vary.

    Raises:
        QualityError: If a column is missing or has nulls.
    """
    used = {name: kind for name, kind in kinds.items() if kind != "text"}
    rows = _as_numbers(compared.training, compared.training, used)
    centre, spread = rows.mean(axis=0), rows.std(axis=0)
    varies = spread > 0
    if varies.sum() < 2:
        return None
    standard = (rows[:, varies] - centre[varies]) / spread[varies]
    variances, axes = np.linalg.eigh(np.cov(standard, rowvar=False, bias=True))
    axes = axes[:, [-1, -2]]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)

    def along(table: pa.Table) -> Floats:
        rows = _as_numbers(compared.training, table, used)[:, varies]
        return np.asarray((rows - centre[varies]) / spread[varies] @ axes)

    def alike(real: pa.Table, other: pa.Table) -> float:
        a, b = along(real), along(other)
        return 1 - float(np.mean([kolmogorov_smirnov(a[:, i], b[:, i]) for i in (0, 1)]))

    first, second = (float(variances[place] / variances.sum()) for place in (-1, -2))
    return Components(
        (first, second),
        compared.each(alike),
        along(compared.training),
        along(compared.synthetic),
    )


def _as_numbers(training: pa.Table, table: pa.Table, kinds: Kinds) -> Floats:
    """Numbers as they are, categories as their share of the training rows, shape (n, columns)."""
    columns = []
    for name, kind in kinds.items():
        if kind == "number":
            columns.append(numbers(table, name))
            continue
        known, found, names = codes(training, table, name)
        columns.append(np.bincount(known, minlength=len(names))[found] / len(known))
    return np.column_stack(columns) if columns else np.empty((len(table), 0))
