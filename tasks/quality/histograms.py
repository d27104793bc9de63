"""Counts of trips over square cells and over lengths, and how far two of them are apart.

Cells are squares of degrees aligned to whole degrees; 0.01 and 0.05 degrees are called "1 km" and
"5 km" for short, though they are that from south to north only.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import stats

from tasks.quality import rows
from tasks.quality.errors import QualityError
from tasks.quality.rows import Floats, Integers

LENGTH_EDGES_M = np.geomspace(100, 50_000, 42)
"""Edges of the 41 logarithmic bins of length."""

_LARGEST_CODE = np.iinfo(np.int64).max // 2


@dataclass(frozen=True)
class Cells:
    """What trips are counted by.

    Attributes:
        degrees: Side of a cell.
        of: Which end lies in the cell, or both for pairs of an origin and a destination cell.
        by_hour: Whether the hours of the day are counted apart.
    """

    degrees: float
    of: Literal["origins", "destinations", "pairs"] = "pairs"
    by_hour: bool = False

    def __post_init__(self) -> None:
        """Refuse cells that whole degrees would cut.

        Raises:
            QualityError: If a degree is not a whole number of cells.
        """
        if not (self.degrees > 0 and abs(1 / self.degrees - round(1 / self.degrees)) < 1e-6):
            raise QualityError(
                f"a degree is not a whole number of cells of {self.degrees} degrees; "
                "take 0.01 or 0.05, for example"
            )

    def keys(self, trips: pa.Table) -> Integers:
        """The cell of every trip, shape (n, k): hour if counted apart, row and column per end.

        Examples:
            >>> from tasks.quality.rows import COORDINATES
            >>> ends = dict(zip(COORDINATES, ([52.374], [9.729], [52.38], [9.75])))
            >>> Cells(0.05, "pairs").keys(pa.table(ends)).tolist()
            [[1047, 194, 1047, 195]]
        """
        used = {"origins": slice(0, 2), "destinations": slice(2, 4), "pairs": slice(0, 4)}
        # rounding keeps 52.35 / 0.05 from falling into the cell below
        places = np.floor(np.round(rows.ends(trips)[:, used[self.of]] / self.degrees, 6))
        keys = places.astype(np.int64)
        return np.column_stack([rows.hours(trips), keys]) if self.by_hour else keys


PAIRS_5KM = Cells(0.05)
PAIRS_1KM = Cells(0.01)
ORIGINS_1KM = Cells(0.01, "origins")
DESTINATIONS_1KM = Cells(0.01, "destinations")
HOUR_ORIGINS_5KM = Cells(0.05, "origins", by_hour=True)


def counts(a: pa.Table, b: pa.Table, cells: Cells) -> tuple[Floats, Floats]:
    """Trips of either table in each cell that holds a trip of one of them.

    Returns:
        Two arrays of one shape (cells,); the cells are in no particular order.
    """
    keys = cells.keys(a), cells.keys(b)
    codes = _codes(np.concatenate(keys))
    number = int(codes.max(initial=-1)) + 1
    cut = len(keys[0])
    return (
        np.bincount(codes[:cut], minlength=number).astype(np.float64),
        np.bincount(codes[cut:], minlength=number).astype(np.float64),
    )


def total_variation(a: pa.Table, b: pa.Table, cells: Cells) -> float:
    """Half the L1 distance of the two normalised histograms, 0 to 1.

    Raises:
        QualityError: If a table is empty.
    """
    p, q = (_normalised(count) for count in counts(a, b, cells))
    return float(np.abs(p - q).sum() / 2)


def common_part_of_commuters(a: pa.Table, b: pa.Table, degrees: float) -> float:
    """Share of the flows between different cells that two tables have in common, 0 to 1.

    Twice the sum of the smaller counts over the sum of all (M. Lenormand et al., "A Universal
    Model of Commuting Networks", PLoS ONE 7(10), 2012). Trips within one cell are no flow; were
    they counted, this would be one minus the total variation for tables of one size.

    Raises:
        QualityError: If neither table has a flow.
    """
    cells = Cells(degrees)
    p, q = counts(_between_cells(a, cells), _between_cells(b, cells), cells)
    total = p.sum() + q.sum()
    if total == 0:
        raise QualityError(f"no trip leaves its cell of {degrees} degrees; take smaller cells")
    return float(2 * np.minimum(p, q).sum() / total)


def kendall_tau(a: pa.Table, b: pa.Table, cells: Cells) -> float:
    """Whether the same cells are busy: Kendall's tau-b of the counts, -1 to 1.

    Taken over the cells that hold a trip of either table. NaN if all of a table's counts are
    equal, since nothing is ranked then.

    Raises:
        QualityError: If a table is empty.
    """
    p, q = counts(a, b, cells)
    _normalised(p)
    _normalised(q)
    if np.ptp(p) == 0 or np.ptp(q) == 0:
        return float("nan")
    return float(stats.kendalltau(p, q).statistic)


def length_divergence(a: pa.Table, b: pa.Table) -> float:
    """Jensen-Shannon divergence of the lengths of trips, base 2, 0 to 1.

    Over `LENGTH_EDGES_M`; longer and shorter trips lie in no bin, yet count in the denominator.

    Raises:
        QualityError: If a table is empty.
    """
    p, q = (_lengths(table) for table in (a, b))
    middle = (p + q) / 2
    return float(_divergence(p, middle) + _divergence(q, middle)) / 2


def _lengths(trips: pa.Table) -> Floats:
    count = np.histogram(rows.lengths(trips), LENGTH_EDGES_M)[0]
    if not len(trips):
        raise QualityError("a table without trips cannot be compared")
    return np.asarray(count / len(trips))


def _divergence(p: Floats, middle: Floats) -> float:
    some = p > 0
    return float(np.sum(p[some] * np.log2(p[some] / middle[some])))


def _normalised(count: Floats) -> Floats:
    if not count.sum() > 0:
        raise QualityError("a table without trips cannot be compared")
    return np.asarray(count / count.sum())


def _between_cells(trips: pa.Table, cells: Cells) -> pa.Table:
    keys = cells.keys(trips)
    return trips.filter(pa.array(np.any(keys[:, :2] != keys[:, 2:], axis=1)))


def _codes(keys: NDArray[np.int64]) -> Integers:
    """A number from 0 for each distinct row of keys, shape (n,).

    One column after the other is joined to the codes so far; they are renumbered when the next
    product would not fit.
    """
    codes, size = np.zeros(len(keys), np.int64), 1
    for column in keys.T:
        column = column - column.min(initial=0)
        span = int(column.max(initial=0)) + 1
        if size > _LARGEST_CODE // span:
            codes = np.unique(codes, return_inverse=True)[1]
            size = len(codes)
        codes, size = codes * span + column, size * span
    return np.asarray(np.unique(codes, return_inverse=True)[1].reshape(-1))
