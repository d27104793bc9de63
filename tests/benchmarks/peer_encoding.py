"""Trips as the few small numbers that a synthesizer for tables wants, and back.

The best encoding that was found for one: the origin as a cell of 0.05 degrees and a part of it of
0.01 degrees, the hour, and the destination as distance and bearing from the origin. Only cells
inside the public service area exist. Nothing is learnt from trips.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.mobility.distance import haversine
from tasks.quality.rows import ends, hours
from tasks.quality.validity import SHORTEST_M
from tasks.region import Box
from tasks.synthesis import microdegrees, sphere
from tasks.synthesis.grid import Grid
from tasks.synthesis.microdegrees import MICRO
from tests.benchmarks.trip_file import trips_between

COLUMNS = ("cell", "part", "hour", "distance", "bearing")
BEARINGS = 16

_FINE = 10_000
"""Microdegrees of a part."""
_PARTS = 5
"""A cell is PARTS x PARTS parts."""
_REDRAWS = 16

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Encoding:
    """The encoding for a service area.

    Attributes:
        areas: Its boxes.
    """

    areas: tuple[Box, ...]

    @property
    def sizes(self) -> dict[str, int]:
        """Number of values of each column; a value is in [0, size)."""
        sizes = (self._first[-1], _PARTS**2, 24, len(self._edges) - 1, BEARINGS)
        return dict(zip(COLUMNS, map(int, sizes), strict=True))

    def encode(self, trips: pa.Table) -> Codes:
        """The codes of trips with both ends in one area, shape (n, 5)."""
        names = {box.name: index for index, box in enumerate(self.areas)}
        area = np.array([names[name] for name in trips["area"].to_pylist()], np.int64)
        places = ends(trips)
        # a place on the northern or eastern edge belongs to the last part before it
        fine = np.round(places[:, :2] * MICRO).astype(np.int64) // _FINE
        fine = np.clip(fine, self._lowest[area], self._highest[area])
        row, column = (fine // _PARTS - self._lowest[area] // _PARTS).T
        distance = np.searchsorted(self._edges, haversine(*places.T), side="right") - 1
        sector = sphere.bearing(*places.T) / (2 * np.pi) * BEARINGS
        return np.column_stack(
            [
                self._first[area] + row * self._shape[area, 1] + column,
                fine % _PARTS @ (_PARTS, 1),
                hours(trips),
                np.clip(distance, 0, len(self._edges) - 2),
                np.minimum(sector.astype(np.int64), BEARINGS - 1),
            ]
        )

    def decode(self, codes: Codes, generator: np.random.Generator) -> pa.Table:
        """Trips that have these codes: positions uniform in the part, lengths log-uniform.

        What leaves the area, is 100 m or shorter or has other codes once it is rounded is drawn
        again; what still does after that is left out.

        Args:
            codes: Shape (n, 5).
            generator: Source of randomness.

        Returns:
            Rows in the order of the codes, at most n.
        """
        drawn = []
        left = np.arange(len(codes))
        for _ in range(_REDRAWS):
            trips = self._drawn(codes[left], generator)
            trips = trips.append_column("row", pa.array(left))
            good = trips["area"].is_valid().to_numpy() & (
                trips["distance_m"].to_numpy() > SHORTEST_M
            )
            left, trips = left[~good], trips.filter(pa.array(good))
            same = (self.encode(trips) == codes[trips["row"].to_numpy()]).all(axis=1)
            left = np.append(left, trips["row"].to_numpy()[~same])
            drawn.append(trips.filter(pa.array(same)))
        return pa.concat_tables(drawn).sort_by("row").drop_columns(["row"])

    def _drawn(self, codes: Codes, generator: np.random.Generator) -> pa.Table:
        """One draw of every row, not yet checked."""
        cell, part, hour, distance, sector = codes.T
        area = np.searchsorted(self._first, cell, side="right") - 1
        row, column = np.divmod(cell - self._first[area], self._shape[area, 1])
        coarse = np.column_stack([row, column]) + self._lowest[area] // _PARTS
        south_west = (coarse * _PARTS + np.column_stack(np.divmod(part, _PARTS))) * _FINE
        origin = (south_west + generator.integers(0, _FINE, (len(codes), 2))) / MICRO
        nearest, farthest = self._edges[distance], self._edges[distance + 1]
        away = nearest * (farthest / nearest) ** generator.random(len(codes))
        turn = (sector + generator.random(len(codes))) * (2 * np.pi / BEARINGS)
        to = sphere.destination(origin[:, 0], origin[:, 1], away, turn)
        to_latitude, to_longitude = (np.round(degrees * MICRO) / MICRO for degrees in to)
        return trips_between(self.areas, hour, [*origin.T, to_latitude, to_longitude])

    @cached_property
    def _edges(self) -> Floats:
        """Edges of the bins of distance, metres."""
        return Grid(self.areas, 1).distance_edges

    @cached_property
    def _lowest(self) -> Codes:
        """Row and column of the first part of every area, shape (areas, 2)."""
        return microdegrees.corners(self.areas)[:, :2] // _FINE

    @cached_property
    def _highest(self) -> Codes:
        """Row and column of the last part of every area, shape (areas, 2)."""
        return (microdegrees.corners(self.areas)[:, 2:] - 1) // _FINE

    @cached_property
    def _shape(self) -> Codes:
        """Rows and columns of cells of every area, shape (areas, 2)."""
        return self._highest // _PARTS - self._lowest // _PARTS + 1

    @cached_property
    def _first(self) -> Codes:
        """Number of the first cell of every area, and of all cells, shape (areas + 1,)."""
        return np.append(0, np.cumsum(self._shape.prod(axis=1)))
