"""Whether rows keep to the values that the real rows show."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.quality.columns import Kind, Kinds, codes, measured
from tasks.quality.errors import QualityError

Bools = NDArray[np.bool_]


def adherence(real: pa.Table, other: pa.Table, kinds: Kinds) -> float:
    """Share of the rows all of whose values keep to the real ones, 0 to 1; see `keeps`.

    Raises:
        QualityError: If a table is empty, or a column is missing or has nulls.
    """
    if not len(real) or not len(other):
        raise QualityError("a table without rows cannot be compared")
    kept = [keeps(real, other, name, kind) for name, kind in kinds.items()]
    return float(np.mean(np.all(kept, axis=0)))


def keeps(real: pa.Table, other: pa.Table, name: str, kind: Kind) -> Bools:
    """Which rows have a value between the extremes of the real rows, or one of their categories.

    The means are SDMetrics' BoundaryAdherence and CategoryAdherence
    (https://docs.sdv.dev/sdmetrics, DataCebo). Of texts it is the length that counts.

    Returns:
        Shape (m,).
    """
    if kind == "category":
        known, found, _ = codes(real, other, name)
        return np.asarray(np.isin(found, known))
    values, found_values = measured(real, name, kind), measured(other, name, kind)
    return np.asarray((values.min() <= found_values) & (found_values <= values.max()))
