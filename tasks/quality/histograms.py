"""Counts of trips over square cells and over lengths, and how far two of them are apart.

Cells are squares of degrees aligned to whole degrees; 0.01 and 0.05 degrees are called "1 km" and
"5 km" for short, though they are that from south to north only.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from scipy import stats

from tasks.quality import rows
from tasks.quality.columns import Floats, Integers
from tasks.quality.contingency import joint_counts, shares, variation
from tasks.quality.errors import QualityError

LENGTH_EDGES_M = np.geomspace(100, 50_000, 42)
"""Edges of the 41 logarithmic bins of length."""


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
    return joint_counts(cells.keys(a), cells.keys(b))


def total_variation(a: pa.Table, b: pa.Table, cells: Cells) -> float:
    """Half the L1 distance of the two normalised histograms, 0 to 1.

    Raises:
        QualityError: If a table is empty.
    """
    return variation(counts(a, b, cells))


def common_part_of_commuters(a: pa.Table, b: pa.Table, degrees: float) -> float:
    """Share of the flows between different cells that two tables have in common, 0 to 1.

    Twice the sum of the smaller counts over the sum of all (M. Lenormand et al., "A Universal
    Model of Commuting Networks", PLoS ONE 7(10), 2012). Trips within one cell are no flow; were
    they counted, this would be one minus the total variation for tables of one size.

    Raises:
        QualityError: If neither table has a flow.
    """
    p, q = _flows(a, b, degrees)
    return float(2 * np.minimum(p, q).sum() / (p.sum() + q.sum()))


def largest_flows(a: pa.Table, b: pa.Table, degrees: float, most: int = 100) -> float:
    """Share of the largest flows of one table that are among the largest of the other, 0 to 1.

    A flow is the trips between two different cells. Of flows with as many trips as the last one
    that is among the largest, each counts for its share of the places that are left. As the
    frequent patterns of M. E. Gursoy et al., "Utility-Aware Synthesis of Differentially Private
    and Attack-Resilient Location Traces", CCS 2018.

    Args:
        a: Trips.
        b: Trips.
        degrees: Side of a cell.
        most: How many flows are the largest; fewer where a table has fewer.

    Raises:
        QualityError: If neither table has a flow.
    """
    p, q = _flows(a, b, degrees)
    found = np.minimum(_among_largest(p, most), _among_largest(q, most)).sum()
    return float(found / min(most, max(np.count_nonzero(p), np.count_nonzero(q))))


def kendall_tau(a: pa.Table, b: pa.Table, cells: Cells) -> float:
    """Whether the same cells are busy: Kendall's tau-b of the counts, -1 to 1.

    Taken over the cells that hold a trip of either table. NaN if all of a table's counts are
    equal, since nothing is ranked then.

    Raises:
        QualityError: If a table is empty.
    """
    p, q = (shares(count) for count in counts(a, b, cells))
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
        raise QualityError("a table without rows cannot be compared")
    return np.asarray(count / len(trips))


def _divergence(p: Floats, middle: Floats) -> float:
    some = p > 0
    return float(np.sum(p[some] * np.log2(p[some] / middle[some])))


def _flows(a: pa.Table, b: pa.Table, degrees: float) -> tuple[Floats, Floats]:
    """Trips of either table from each cell to each other one."""
    cells = Cells(degrees)
    found = counts(_between_cells(a, cells), _between_cells(b, cells), cells)
    if not len(found[0]):
        raise QualityError(f"no trip leaves its cell of {degrees} degrees; take smaller cells")
    return found


def _among_largest(count: Floats, most: int) -> Floats:
    """How much of each flow is among the largest, 0 to 1."""
    positive = count > 0
    if np.count_nonzero(positive) <= most:
        return positive.astype(np.float64)
    last = np.sort(count)[-most]
    larger, tied = count > last, count == last
    return np.asarray(larger + tied * (most - larger.sum()) / tied.sum())


def _between_cells(trips: pa.Table, cells: Cells) -> pa.Table:
    keys = cells.keys(trips)
    return trips.filter(pa.array(np.any(keys[:, :2] != keys[:, 2:], axis=1)))
