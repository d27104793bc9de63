"""How far a table is from what the region published of earlier days. It only ever warns.

Earlier releases are public, so their rows may be looked at, and how much they differ among
themselves says how much a day may differ. Where they are too few to say, fixed bounds do.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.figures import Figure

MIN_ROWS = 100
"""Of fewer rows on either side everything differs by chance, and nothing is compared."""
ENOUGH_DAYS = 3
"""With fewer earlier days there are too few pairs of them to tell how much days differ."""
SPREAD_FACTOR = 1.5
"""A day may differ from earlier ones so many times as much as they do among themselves."""
LEAST_DISTANCE = 0.05
"""Total variation, beyond what chance makes of so many rows, that is never warned of."""
LEAST_FACTOR = 1.25
"""The same of a number: so many times more, or less, is never warned of."""
GRID_DEGREES = 0.05

Count = Callable[[pd.DataFrame], "pd.Series[int]"]


@dataclass(frozen=True)
class Shape:
    """A distribution that is compared by total variation.

    Attributes:
        name: Of what.
        count: Counts the rows of a table by value.
        allowed: Distance allowed, beyond chance, where earlier days are too few.
    """

    name: str
    count: Count
    allowed: float


@dataclass(frozen=True)
class Size:
    """A positive number that is compared by how many times larger or smaller it is.

    Attributes:
        name: What it is.
        of: Takes it of a table.
        allowed: Factor allowed where earlier days are too few.
    """

    name: str
    of: Callable[[pd.DataFrame], float]
    allowed: float


def figures(frame: pd.DataFrame, earlier: Sequence[pd.DataFrame]) -> list[Figure]:
    """A table against the same table of earlier releases.

    Args:
        frame: Its rows.
        earlier: The rows of each earlier release, in any order.

    Returns:
        The figures; none if there is nothing to compare with, or too few rows.
    """
    earlier = [rows for rows in earlier if len(rows) >= MIN_ROWS]
    if len(frame) < MIN_ROWS or not earlier:
        return []
    return [
        *(_ratio(size, frame, earlier) for size in _sizes(frame)),
        *(_distance(shape, frame, earlier) for shape in _shapes(frame)),
    ]


def _sizes(frame: pd.DataFrame) -> Sequence[Size]:
    rows = Size("number of rows", len, 3.0)
    if "distance_m" not in frame:
        return [rows]
    return [
        rows,
        *(
            Size(f"{share:.0%} quantile of distance_m", _quantile(share), 1.5)
            for share in (0.25, 0.5, 0.9)
        ),
    ]


def _shapes(frame: pd.DataFrame) -> Sequence[Shape]:
    end = "origin_" if "origin_latitude" in frame else ""
    return [
        Shape("hours", lambda rows: rows.value_counts("hour"), 0.2),
        Shape("areas", lambda rows: rows.value_counts("area"), 0.2),
        Shape(
            f"{'origins' if end else 'places'} on a grid of {GRID_DEGREES} degrees",
            lambda rows: _cells(rows, end),
            0.3,
        ),
    ]


def _ratio(size: Size, frame: pd.DataFrame, earlier: Sequence[pd.DataFrame]) -> Figure:
    """A number over its median of earlier days."""
    before = np.array([size.of(rows) for rows in earlier])
    factor = size.allowed
    if len(earlier) >= ENOUGH_DAYS:
        spread = float(before.max() / before.min())
        factor = max(LEAST_FACTOR, spread**SPREAD_FACTOR)
    return Figure(
        f"{size.name}, as a multiple of that of earlier days",
        size.of(frame) / float(np.median(before)),
        at_least=1 / factor,
        at_most=factor,
    )


def _distance(shape: Shape, frame: pd.DataFrame, earlier: Sequence[pd.DataFrame]) -> Figure:
    """The median total variation distance from earlier days."""
    now, before = shape.count(frame), [shape.count(rows) for rows in earlier]
    chance = max(_by_chance(now, counts) for counts in before)
    if len(earlier) >= ENOUGH_DAYS:
        widest = max(total_variation(*pair) for pair in itertools.combinations(before, 2))
        allowed = max(chance + LEAST_DISTANCE, SPREAD_FACTOR * widest)
    else:
        allowed = chance + shape.allowed
    distance = float(np.median([total_variation(now, counts) for counts in before]))
    name = f"total variation distance of {shape.name} from earlier days"
    return Figure(name, distance, at_most=min(allowed, 1.0))


def total_variation(one: "pd.Series[int]", other: "pd.Series[int]") -> float:
    """Half the sum of the differences of two distributions, 0 to 1.

    Args:
        one: Counts by value, not all of them zero.
        other: Likewise, of values that need not be the same.
    """
    shares = pd.concat([one / one.sum(), other / other.sum()], axis=1).fillna(0.0)
    return float((shares.iloc[:, 0] - shares.iloc[:, 1]).abs().sum() / 2)


def _by_chance(one: "pd.Series[int]", other: "pd.Series[int]") -> float:
    """About how far two samples of one distribution are from each other, in the mean.

    The difference of two shares is nearly normal, and the mean size of a normal number with mean
    zero is its standard deviation times the square root of 2 over pi.
    """
    together = one.add(other, fill_value=0)
    share = together / together.sum()
    stddev = np.sqrt(share * (1 - share) * (1 / one.sum() + 1 / other.sum()))
    return float(math.sqrt(2 / math.pi) * stddev.sum() / 2)


def _quantile(share: float) -> Callable[[pd.DataFrame], float]:
    return lambda rows: float(rows["distance_m"].quantile(share))


def _cells(frame: pd.DataFrame, end: str) -> "pd.Series[int]":
    """Rows in each cell of the grid of positions."""
    cells = np.floor(frame[[f"{end}latitude", f"{end}longitude"]] / GRID_DEGREES)
    return cells.value_counts()
