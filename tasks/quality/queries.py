"""Range queries: how many trips start, or end, in a rectangle between two hours."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.quality import rows
from tasks.quality.columns import Floats, Integers
from tasks.quality.errors import QualityError

SANITY_BOUND = 0.001
"""Share of the real rows; the error of a smaller count is taken relative to this one."""
QUERIES = 2_000
"""Enough for a standard error of about 2 % of the mean."""

_SIDES = (0.01, 0.2)  # degrees, log-uniform
_BANDS = (3, 12)  # hours, uniform


@dataclass(frozen=True)
class RangeQueries:
    """Questions about a table of trips, one per element.

    Attributes:
        end: 0 asks about origins, 1 about destinations.
        centre: Middle of the rectangle, latitude and longitude, shape (queries, 2), degrees.
        half: Half of its height and width, shape (queries, 2), degrees.
        first: First hour of the band.
        hours: Number of hours of the band, which may go past midnight.
    """

    end: Integers
    centre: Floats
    half: Floats
    first: Integers
    hours: Integers

    def counts(self, trips: pa.Table) -> Integers:
        """The answers, shape (queries,)."""
        places = rows.ends(trips).reshape(-1, 2, 2).transpose(1, 2, 0)
        hour = rows.hours(trips)
        return np.array(
            [
                np.count_nonzero(
                    _within(places[end, 0], centre[0], half[0])
                    & _within(places[end, 1], centre[1], half[1])
                    & ((hour - first) % 24 < hours)
                )
                for end, centre, half, first, hours in zip(
                    self.end, self.centre, self.half, self.first, self.hours, strict=True
                )
            ],
            np.int64,
        )


def draw_queries(real: pa.Table, seed: int, number: int = QUERIES) -> RangeQueries:
    """Random rectangles around places where real trips start or end, for random hours.

    Args:
        real: The rows whose places are asked about.
        seed: Of the draw; one seed and one table always give the same queries.
        number: How many.

    Raises:
        QualityError: If the table is empty.
    """
    if not len(real):
        raise QualityError("a table without trips has no places to ask about")
    generator = np.random.default_rng(seed)
    end = generator.integers(0, 2, number)
    places = rows.ends(real).reshape(-1, 2, 2)
    centre = places[generator.integers(0, len(real), number), end]
    sides = _SIDES[0] * (_SIDES[1] / _SIDES[0]) ** generator.random((number, 2))
    # the place that a rectangle was drawn for lies anywhere in it
    centre = centre + generator.uniform(-0.5, 0.5, (number, 2)) * sides
    return RangeQueries(
        end,
        centre,
        sides / 2,
        first=generator.integers(0, 24, number),
        hours=generator.integers(_BANDS[0], _BANDS[1] + 1, number),
    )


def range_error(real: pa.Table, synthetic: pa.Table, seed: int = 0, number: int = QUERIES) -> float:
    """Mean relative error of the answers to range queries, 0 or more.

    Answers are shares of their table, so that tables of two sizes compare. The error is relative
    to the real share, or to `SANITY_BOUND` where that is larger, as for all range queries since
    X. Xiao et al., "Differential Privacy via Wavelet Transforms", ICDE 2010.

    Raises:
        QualityError: If a table is empty.
    """
    if not len(synthetic):
        raise QualityError("a table without rows cannot be compared")
    queries = draw_queries(real, seed, number)
    truth = queries.counts(real) / len(real)
    answer = queries.counts(synthetic) / len(synthetic)
    return float(np.mean(np.abs(answer - truth) / np.maximum(truth, SANITY_BOUND)))


def _within(value: Floats, centre: float, half: float) -> NDArray[np.bool_]:
    return np.asarray(np.abs(value - centre) <= half)
