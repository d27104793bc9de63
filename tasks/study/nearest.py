"""How far rows are from the nearest rows of another set."""

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tasks.comparison import MixedDistance, TripDistance
from tasks.mobility.distance import EARTH_RADIUS_M

_CELLS = 4_000_000
"""Distances that are in memory at a time."""


def nearest(
    rows: pa.Table, among: pa.Table, distance: TripDistance | MixedDistance, neighbour: int = 1
) -> NDArray[np.float64]:
    """The distance of each row to the nearest of others, or to the k-th nearest.

    Args:
        rows: Rows of a table.
        among: Others of the same table, at least one; their ranges are the units of a mixed
            distance.
        distance: How far two rows are apart.
        neighbour: The number k, >= 1; the last one where there are fewer.

    Returns:
        Shape (rows,): metres for trips, else 0 to 1.
    """
    k = min(neighbour, among.num_rows)
    if not rows.num_rows:
        return np.empty(0)
    if isinstance(distance, TripDistance):
        tree = cKDTree(_points(among, distance))
        found, _ = tree.query(_points(rows, distance), k=[k])
        return np.asarray(found[:, 0])
    return np.concatenate([np.partition(part, k - 1)[:, k - 1] for part in _gower(rows, among)])


def _points(rows: pa.Table, distance: TripDistance) -> NDArray[np.float64]:
    """Trips as points in metres, whose distance is that of the trips.

    Ends are points of the sphere, of which chords are measured, a trifle shorter than the way on
    the ground; hours are points of a circle whose circumference is a day.
    """
    angle = 2 * np.pi * rows[distance.hour].to_numpy() / 24
    radius = distance.hour_m * 24 / (2 * np.pi)
    parts = [radius * np.cos(angle), radius * np.sin(angle)]
    for latitude, longitude in (distance.origin, distance.destination):
        phi, lambda_ = (np.radians(rows[name].to_numpy()) for name in (latitude, longitude))
        on_the_sphere = (
            np.cos(phi) * np.cos(lambda_),
            np.cos(phi) * np.sin(lambda_),
            np.sin(phi),
        )
        parts += [EARTH_RADIUS_M * part for part in on_the_sphere]
    return np.column_stack(parts)


def _gower(rows: pa.Table, among: pa.Table) -> Iterator[NDArray[np.float64]]:
    """Distances between all pairs, some rows at a time.

    The mean over the columns (Gower 1971, "A general coefficient of similarity and some of its
    properties").
    """
    columns = [_comparable(rows[name], among[name]) for name in among.column_names]
    step = max(1, _CELLS // among.num_rows)
    for start in range(0, rows.num_rows, step):
        total = np.zeros((min(step, rows.num_rows - start), among.num_rows))
        for mine, theirs, scale in columns:
            ours = mine[start : start + step, None]
            if math.isnan(scale):
                total += ours != theirs
            else:
                total += np.minimum(np.abs(ours - theirs) / scale, 1)
        yield total / len(columns)


def _comparable(
    mine: pa.ChunkedArray, theirs: pa.ChunkedArray
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Two columns as numbers, and the range of the second; NaN if they are no numbers."""
    if pa.types.is_date32(theirs.type):
        mine, theirs = mine.cast(pa.int32()), theirs.cast(pa.int32())
    if pa.types.is_string(theirs.type):
        both = np.array([*mine.to_pylist(), *theirs.to_pylist()])
        _, codes = np.unique(both, return_inverse=True)
        return codes[: len(mine)].astype(float), codes[len(mine) :].astype(float), math.nan
    numbers = theirs.to_numpy().astype(float)
    return mine.to_numpy().astype(float), numbers, float(np.ptp(numbers)) or 1.0
