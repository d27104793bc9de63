"""Neighbouring pairs of a measurement of counts: one unit more, seen in all tables jointly."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.audit.pairs import Pair, PairBound, Scores, distinguish_twice
from tasks.privacy.weighted_counts import WeightedMeasurement
from tasks.region.guarantee import Guarantee

_AT_ONCE = 20_000


def distinguish_counts(
    mechanism: WeightedMeasurement, claimed: Guarantee, replicas: int
) -> tuple[PairBound, ...]:
    """What pairs prove of weighted counts; see `distinguish_twice`.

    Args:
        mechanism: What is run; its noise is solved for `claimed`.
        claimed: Epsilon and delta that it is said to keep.
        replicas: Number of pairs.
    """
    fresh, replayed = count_scores(mechanism, replicas)
    return distinguish_twice("weighted counts", fresh, replayed, mechanism.event(), claimed)


def count_scores(mechanism: WeightedMeasurement, replicas: int) -> tuple[Pair, Pair]:
    """Scores of many independent neighbouring pairs, by attempts of the real mechanism.

    Every replica is a unit with cells of its own in every table, as many as a trip may touch;
    half of them are absent. Noise is independent between cells, so the cells of one replica are a
    run of the mechanism on a day of one unit, or of none. The score is the sum of their counts,
    each divided by the variance of its noise: for Gaussian noise that says all there is to say.

    Args:
        mechanism: What is run; its tables are made as large as it takes.
        replicas: Number of pairs.

    Returns:
        Scores with the unit and without it, shape (replicas,) each; and the same less those of
        another attempt on an empty day.
    """
    present = np.arange(2 * replicas) % 2 == 0
    scores, others = (
        np.concatenate(
            [
                _released(mechanism, day[first : first + _AT_ONCE])
                for first in range(0, len(day), _AT_ONCE)
            ]
        )
        for day in (present, np.zeros_like(present))
    )
    replayed = scores - others
    return (scores[present], scores[~present]), (replayed[present], replayed[~present])


def _released(mechanism: WeightedMeasurement, present: NDArray[np.bool_]) -> Scores:
    day = replace(
        mechanism,
        tables=tuple(
            replace(table, cells=len(present) * table.distinct) for table in mechanism.tables
        ),
    )
    counts = day.begin().measure(dict(_touched(day, present)))
    total = np.zeros(len(present))
    for table in day.tables:
        of_unit = counts[table.name].reshape(-1, table.distinct).sum(axis=1)
        total += of_unit / (table.multiplier * table.stddev**2)
    return total


def _touched(
    day: WeightedMeasurement, present: NDArray[np.bool_]
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    for table in day.tables:
        cells = np.arange(table.cells).reshape(len(present), table.distinct)[present]
        yield table.name, np.repeat(cells, day.trips_per_unit, axis=0)
