"""The nearest point of many lines, for many places at once.

Lines are cut into short pieces, and each cell of a grid knows the pieces that reach into it or lie
within a distance of it; a place then asks the pieces of its cell alone. The distance grows until a
piece is found. What is nearest is decided in the Mercator plane: it is conformal, so over some
hundred metres distances in it are those on the ground times one factor.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tasks.mobility.distance import EARTH_RADIUS_M, haversine

_REACHES_M = (25.0, 50.0, 100.0, 200.0, 400.0)
"""Distances within which a piece is looked for in turn, as far as they are allowed."""
_PAIRS_AT_ONCE = 1 << 20
_FARTHEST_CELL = 1 << 31

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


class NearestWays:
    """Finds the nearest point of some lines."""

    def __init__(self, segments: Floats, within_m: float) -> None:
        """Take the lines; what searches them is made when it is needed.

        Args:
            segments: Longitude and latitude of both ends of each straight piece, degrees, shape
                (n, 2, 2), n >= 1; an end may be the other.
            within_m: How far away a point may be, metres.
        """
        self._segments = segments
        self._reaches = (*(reach for reach in _REACHES_M if reach < within_m), within_m)
        self._indices: dict[float, _Index] = {}

    def of(self, places: Floats) -> tuple[Floats, Bools]:
        """The nearest point of the lines to each place.

        Args:
            places: Latitude and longitude, degrees, shape (n, 2).

        Returns:
            Latitude and longitude of the nearest points, shape (n, 2), and which of them there
            are: elsewhere the place itself stands.
        """
        nearest, found = places.copy(), np.zeros(len(places), bool)
        left = np.arange(len(places))
        for reach in self._reaches:
            if left.size:
                points, distance = self._index(reach).nearest(places[left])
                near = distance <= reach
                nearest[left[near]], found[left[near]] = points[near], True
                left = left[~near]
        return nearest, found

    def _index(self, reach_m: float) -> "_Index":
        if reach_m not in self._indices:
            self._indices[reach_m] = _Index(self._segments, reach_m)
        return self._indices[reach_m]


class _Index:
    """Pieces of lines by the cells of a grid that they are within reach of."""

    def __init__(self, segments: Floats, reach_m: float) -> None:
        """Cut the lines into pieces and enter them into the grid.

        Args:
            segments: As in `NearestWays`.
            reach_m: Metres.
        """
        latitudes = np.radians(segments[:, :, 1])
        widest = 1 / np.cos(min(np.abs(latitudes).max() + 0.001, 1.5))
        self._cell = max(reach_m, _REACHES_M[0]) * widest
        self._pieces = _pieces(segments, self._cell)
        self._plane = _mercator(self._pieces)
        start, end = self._plane[:, 0], self._plane[:, 1]
        low = self._cells(np.minimum(start, end) - reach_m * widest)
        high = self._cells(np.maximum(start, end) + reach_m * widest)
        keys, pieces = zip(*_entries(low, high), strict=True)
        key, piece = np.concatenate(keys), np.concatenate(pieces)
        order = np.argsort(key, kind="stable")
        key, self._piece = key[order], piece[order]
        self._first = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
        self._count = np.diff(self._first, append=len(key))
        self._keys = key[self._first]

    def nearest(self, places: Floats) -> tuple[Floats, Floats]:
        """The nearest point of the pieces in reach, and its distance in metres.

        Args:
            places: Latitude and longitude, degrees, shape (n, 2).

        Returns:
            Latitude and longitude, shape (n, 2), and the distance, shape (n,): infinite where no
            piece is known.
        """
        points, distance = places.copy(), np.full(len(places), np.inf)
        plane = _mercator(places[:, ::-1])
        key = _key(self._cells(plane))
        cell = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        known = np.flatnonzero(self._keys[cell] == key)
        chunk = np.cumsum(self._count[cell[known]]) // _PAIRS_AT_ONCE
        for rows in np.split(known, np.flatnonzero(np.diff(chunk)) + 1):
            if rows.size:
                points[rows] = self._nearest(plane[rows], cell[rows])
        distance[known] = haversine(*places[known].T, *points[known].T)
        return points, distance

    def _nearest(self, plane: Floats, cell: Integers) -> Floats:
        """The nearest point of the pieces of each place's cell, degrees, shape (n, 2)."""
        count = self._count[cell]
        first = np.cumsum(count) - count
        place = np.repeat(np.arange(len(cell)), count)
        piece = self._piece[np.arange(count.sum()) + (self._first[cell] - first)[place]]
        start = self._plane[piece, 0]
        along = self._plane[piece, 1] - start
        gap = plane[place] - start
        squared = np.maximum(_product(along, along), 1e-12)
        share = np.clip(_product(gap, along) / squared, 0, 1)
        gap -= share[:, None] * along
        apart = _product(gap, gap)
        is_least = np.flatnonzero(apart == np.minimum.reduceat(apart, first)[place])
        _, least = np.unique(place[is_least], return_index=True)
        chosen = is_least[least]
        ends = self._pieces[piece[chosen]]
        found = ends[:, 0] + share[chosen, None] * (ends[:, 1] - ends[:, 0])
        return np.asarray(found[:, ::-1])

    def _cells(self, plane: Floats) -> Integers:
        return np.asarray(np.floor(plane / self._cell), np.int64)


def _entries(low: Integers, high: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Key of each cell of some ranges of cells, with the number of the range."""
    rows, columns = (high - low).max(axis=0) + 1
    for row in range(rows):
        for column in range(columns):
            cell = low + np.array([row, column])
            inside = np.flatnonzero((cell[:, 0] <= high[:, 0]) & (cell[:, 1] <= high[:, 1]))
            yield _key(cell[inside]), inside


def _key(cells: Integers) -> Integers:
    """One number for row and column of a cell."""
    return np.asarray(cells[:, 0] * _FARTHEST_CELL + cells[:, 1])


def _product(one: Floats, other: Floats) -> Floats:
    """The scalar product of vectors of the plane, row by row."""
    return np.asarray(one[:, 0] * other[:, 0] + one[:, 1] * other[:, 1], np.float64)


def _pieces(segments: Floats, longest: float) -> Floats:
    """Segments cut into equal pieces that are no longer in the plane, shape (n, 2, 2)."""
    plane = _mercator(segments)
    length = np.hypot(*(plane[:, 1] - plane[:, 0]).T)
    count = np.maximum(np.ceil(1.01 * length / longest), 1).astype(np.int64)
    segment = np.repeat(np.arange(len(segments)), count)
    number = np.arange(len(segment)) - np.repeat(np.cumsum(count) - count, count)
    start, along = segments[segment, 0], segments[segment, 1] - segments[segment, 0]
    share = np.stack([number, number + 1], axis=1) / count[segment, None]
    return np.asarray(start[:, None] + share[:, :, None] * along[:, None])


def _mercator(degrees: Floats) -> Floats:
    """Longitude and latitude in the Mercator plane, metres at the equator; shape (..., 2)."""
    radians = np.radians(degrees)
    north = np.arcsinh(np.tan(radians[..., 1]))
    return np.asarray(np.stack([radians[..., 0], north], axis=-1) * EARTH_RADIUS_M)
