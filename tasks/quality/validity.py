"""Whether synthetic rows could be trips at all."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tasks.mobility.areas import area_of
from tasks.mobility.distance import EARTH_RADIUS_M
from tasks.quality import rows
from tasks.quality.columns import Floats
from tasks.quality.errors import QualityError
from tasks.region import Box
from tasks.schema import RELEASE

SHORTEST_M = float(RELEASE.column("distance_m").minimum or 0)
"""A trip is longer than this."""
BUSY = 5
"""A real cell of 0.01 degrees counts as busy from this number of ends."""
NEAR_M = 5_000.0
"""Both ends of a valid row lie within this distance of the centre of a busy cell."""

_CELL = 0.01


def valid(trips: pa.Table, real: pa.Table, areas: Sequence[Box]) -> NDArray[np.bool_]:
    """Which rows could be trips, shape (n,).

    A row is valid if its hour is one of a day, it moves over 100 m, and both ends lie in one
    service area and near a place that real trips use.

    Args:
        trips: The rows to judge.
        real: The rows that say which places are used.
        areas: The service area.

    Raises:
        QualityError: If no cell of the real rows is busy.
    """
    places, hour = rows.ends(trips), rows.hours(trips)
    start, end = (places[:, 0], places[:, 1]), (places[:, 2], places[:, 3])
    good = (hour >= 0) & (hour <= 23) & (rows.lengths(trips) > SHORTEST_M)
    good &= area_of(areas, start, end).is_valid().to_numpy(zero_copy_only=False)
    centres = _busy_centres(real)
    good[good] &= _near(centres, places[good, :2]) & _near(centres, places[good, 2:])
    return np.asarray(good)


def valid_share(trips: pa.Table, real: pa.Table, areas: Sequence[Box]) -> float:
    """Share of the rows that are `valid`, 0 to 1.

    Raises:
        QualityError: If there are no rows, or no cell of the real rows is busy.
    """
    if not len(trips):
        raise QualityError("a table without trips has no share of valid rows")
    return float(valid(trips, real, areas).mean())


def _busy_centres(real: pa.Table) -> Floats:
    """Centres of the busy cells, shape (cells, 2), degrees."""
    places = rows.ends(real).reshape(-1, 2)
    cells, number = np.unique(np.floor(np.round(places / _CELL, 6)), axis=0, return_counts=True)
    busy = cells[number >= BUSY]
    if not len(busy):
        raise QualityError(f"no cell of the real rows has {BUSY} ends or more")
    return np.asarray((busy + 0.5) * _CELL)


def _near(centres: Floats, places: Floats) -> NDArray[np.bool_]:
    """Which places lie within `NEAR_M` of a centre."""
    chord = 2 * np.sin(NEAR_M / EARTH_RADIUS_M / 2)
    nearest, _ = cKDTree(_on_the_sphere(centres)).query(_on_the_sphere(places))
    return np.asarray(nearest <= chord)


def _on_the_sphere(places: Floats) -> Floats:
    """Points of the unit sphere, shape (n, 3): chords grow with distances."""
    phi, turn = np.radians(places).T
    return np.column_stack([np.cos(phi) * np.cos(turn), np.cos(phi) * np.sin(turn), np.sin(phi)])
