"""The public grid: a trip as a short row of categorical tokens, and back.

Everything here follows from the region's service area and from constants in this file; nothing
is learnt from trips. A trip is encoded by itself, so what is encoded for a day is the union of
what is encoded for its trips.

The tokens of a trip, in order: the service area; the hour; the origin as digits of a hierarchical
grid over the area's box, each digit one of 8 x 8 parts of the part before; the distance to the
destination in quarter octaves from 100 m; the bearing in 32 directions. Distance and bearing are
taken from the origin, not from the map, because most trips are short: the offset says in two
tokens what two more positions would say in six. Cells that lie wholly outside the polygons of an
area are never drawn, and positions are drawn again until they lie inside.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from tasks.mobility.areas import held
from tasks.mobility.distance import haversine
from tasks.region.model import Box
from tasks.region.polygons import shape_of
from tasks.synthesis import microdegrees, sphere
from tasks.synthesis.microdegrees import MICRO, MIN_DISTANCE_M, distance_between, rounded

HOURS = 24
SPLIT = 8
"""Each level of the grid splits a cell into SPLIT x SPLIT parts."""
BINS_PER_OCTAVE = 4
BEARINGS = 32
NULL = -1
"""Every token of a null record, which contributes nothing to any query."""

_REDRAWS = 16
_ORIGIN_REDRAWS = 64

Tokens = NDArray[np.int32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Columns:
    """Decoded trips, one array of shape (n,) per column; every row is valid.

    Attributes:
        area: Index of the service area.
        hour: Hour of the day, 0 to 23.
        origin_latitude: Degrees, a multiple of 1e-6, inside the area's box.
        origin_longitude: Degrees, likewise.
        destination_latitude: Degrees, likewise.
        destination_longitude: Degrees, likewise.
        distance_m: Great-circle distance between the rounded ends, over 100 m.
    """

    area: Integers
    hour: Integers
    origin_latitude: Floats
    origin_longitude: Floats
    destination_latitude: Floats
    destination_longitude: Floats
    distance_m: Floats


@dataclass(frozen=True)
class Grid:
    """The grid over a service area.

    Attributes:
        boxes: The service area; a trip lies in one of them.
        levels: Digits of an origin, 1 to 4.

    Examples:
        >>> box = Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9)
        >>> grid = Grid((box,), levels=3)
        >>> dict(zip(grid.names, grid.sizes))
        {'area': 1, 'hour': 24, 'origin_1': 64, 'origin_2': 64, 'origin_3': 64, 'distance': 33, \
'bearing': 32}
    """

    boxes: tuple[Box, ...]
    levels: int

    def describe(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return {
            "boxes": [box.model_dump(mode="json") for box in self.boxes],
            "levels": self.levels,
        }

    @classmethod
    def described(cls, document: Mapping[str, Any]) -> "Grid":
        """The grid that `describe` described."""
        boxes = tuple(Box.model_validate(box) for box in document["boxes"])
        return cls(boxes, document["levels"])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the tokens, in order."""
        digits = tuple(f"origin_{level}" for level in range(1, self.levels + 1))
        return ("area", "hour", *digits, "distance", "bearing")

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of values of each token, in order; a value is in [0, size)."""
        digits = (SPLIT * SPLIT,) * self.levels
        return (len(self.boxes), HOURS, *digits, len(self.distance_edges) - 1, BEARINGS)

    @cached_property
    def distance_edges(self) -> Floats:
        """Edges of the distance bins in metres, shape (bins + 1,), from 100 m to the longest."""
        longest = max(_longest_distance_m(box) for box in self.boxes)
        bins = max(1, math.ceil(BINS_PER_OCTAVE * math.log2(longest / MIN_DISTANCE_M)))
        return np.asarray(MIN_DISTANCE_M * 2 ** (np.arange(bins + 1) / BINS_PER_OCTAVE))

    @cached_property
    def middle_distances_m(self) -> Floats:
        """The middle of each distance bin on the logarithmic scale, metres, shape (bins,)."""
        return np.asarray(np.sqrt(self.distance_edges[:-1] * self.distance_edges[1:]))

    @cached_property
    def corners(self) -> Floats:
        """South, west, north, east of every box, shape (boxes, 4), degrees."""
        return np.array([(box.south, box.west, box.north, box.east) for box in self.boxes])

    @cached_property
    def _micro_corners(self) -> Integers:
        """The outermost multiples of 1e-6 degrees inside every box, shape (boxes, 4)."""
        return microdegrees.corners(self.boxes)

    def encode(self, trips: pa.Table) -> Tokens:
        """The tokens of each trip.

        A row that is not inside its area, not over 100 m or not in hours 0 to 23 becomes a null
        record. That is a fixed rule on the row itself.

        Args:
            trips: Columns area, hour and the four coordinates as in `tasks.schema.TRIPS`.

        Returns:
            Shape (n, tokens), int32; every token of a null record is -1.
        """
        names = {box.name: index for index, box in enumerate(self.boxes)}
        area = np.array([names.get(name, NULL) for name in trips["area"].to_pylist()], np.int64)
        hour = _numbers(trips, "hour")
        latitude, longitude = (
            _numbers(trips, "origin_latitude"),
            _numbers(trips, "origin_longitude"),
        )
        to_latitude = _numbers(trips, "destination_latitude")
        to_longitude = _numbers(trips, "destination_longitude")
        distance = haversine(latitude, longitude, to_latitude, to_longitude)
        valid = (
            (area != NULL)
            & (hour >= 0)
            & (hour < HOURS)
            & held(self.boxes, area, (latitude, longitude), (to_latitude, to_longitude))
            & (distance > MIN_DISTANCE_M)
        )
        tokens = np.full((len(area), len(self.sizes)), NULL, np.int32)
        tokens[valid, 0] = area[valid]
        tokens[valid, 1] = hour[valid]
        tokens[valid, 2 : 2 + self.levels] = self._digits(
            area[valid], latitude[valid], longitude[valid]
        )
        bins = len(self.distance_edges) - 1
        bin_of = np.searchsorted(self.distance_edges, distance[valid], side="right") - 1
        tokens[valid, -2] = np.clip(bin_of, 0, bins - 1)
        angle = sphere.bearing(latitude, longitude, to_latitude, to_longitude)[valid]
        tokens[valid, -1] = np.minimum(angle / (2 * np.pi) * BEARINGS, BEARINGS - 1)
        return tokens

    def origin_mask(self, tokens: Tokens, level: int) -> Bools:
        """Which parts of the origins' cells touch the polygons of their area.

        Args:
            tokens: Shape (n, tokens); area and the digits before this level are read.
            level: Of the digit that is to be drawn, 1 to `levels`.

        Returns:
            Shape (n, 64); all are allowed where none would be.
        """
        allowed = np.ones((len(tokens), SPLIT * SPLIT), bool)
        for index, box in enumerate(self.boxes):
            rows = np.flatnonzero(tokens[:, 0] == index)
            if not box.polygons or not len(rows):
                continue
            cells, cell_of = np.unique(tokens[rows, 2 : 1 + level], axis=0, return_inverse=True)
            row, column = _row_and_column(cells)
            part_row, part_column = np.divmod(np.arange(SPLIT * SPLIT), SPLIT)
            height, width = (
                (high - low) / SPLIT**level
                for low, high in ((box.south, box.north), (box.west, box.east))
            )
            south = box.south + (row[:, None] * SPLIT + part_row) * height
            west = box.west + (column[:, None] * SPLIT + part_column) * width
            parts = shapely.box(west, south, west + width, south + height)
            touched = shapely.intersects(shape_of(box.polygons), parts)
            allowed[rows] = touched[cell_of.ravel()]
        return np.asarray(allowed | ~allowed.any(axis=1, keepdims=True))

    def distance_mask(self, tokens: Tokens) -> Bools:
        """Which distances can end inside the box, seen from the centre of the origin's cell.

        Args:
            tokens: Shape (n, tokens); area and origin are read.

        Returns:
            Shape (n, distance bins); the shortest is always allowed.
        """
        latitude, longitude = self._cell_centres(tokens)
        south, west, north, east = self.corners[tokens[:, 0]].T
        farthest = np.max(
            [haversine(latitude, longitude, y, x) for y in (south, north) for x in (west, east)],
            axis=0,
        )
        allowed = self.middle_distances_m[None, :] <= farthest[:, None]
        allowed[:, 0] = True
        return np.asarray(allowed)

    def bearing_mask(self, tokens: Tokens) -> Bools:
        """Which bearings end inside the box at the distance drawn, seen from the cell's centre.

        Args:
            tokens: Shape (n, tokens); area, origin and distance are read.

        Returns:
            Shape (n, bearings); all are allowed where none would be.
        """
        latitude, longitude = self._cell_centres(tokens)
        distance = self.middle_distances_m[tokens[:, -2]]
        angle = (np.arange(BEARINGS) + 0.5) * (2 * np.pi / BEARINGS)
        to_latitude, to_longitude = sphere.destination(
            latitude[:, None], longitude[:, None], distance[:, None], angle[None, :]
        )
        south, west, north, east = self.corners[tokens[:, 0]].T[:, :, None]
        allowed = (
            (to_latitude >= south)
            & (to_latitude <= north)
            & (to_longitude >= west)
            & (to_longitude <= east)
        )
        return np.asarray(allowed | ~allowed.any(axis=1, keepdims=True))

    def decode(self, tokens: Tokens, generator: np.random.Generator) -> Columns:
        """Positions for tokens: uniform in the origin's cell, log-uniform in the offset's bins.

        Offsets that leave the area or shrink to 100 m are drawn again, first within their bins,
        then with any bearing; the few that remain get ends anywhere in the area.

        Args:
            tokens: Shape (n, tokens), no null records.
            generator: Source of randomness; not secret, the tokens are private already.

        Returns:
            Valid columns of n rows.
        """
        area = tokens[:, 0].astype(np.int64)
        ends = np.zeros((len(area), 4), np.int64)
        left = np.arange(len(area))
        for attempt in range(2 * _REDRAWS):
            if attempt % _REDRAWS == 0:
                ends[left, :2] = self._origins(tokens[left], generator)
            ends[left, 2:] = self._offset(
                tokens[left], ends[left, :2], generator, attempt >= _REDRAWS
            )
            left = left[~microdegrees.are_trips(self.boxes, area[left], ends[left])]
            if len(left) == 0:
                break
        ends[left] = microdegrees.anywhere(self.boxes, area[left], generator)
        latitude, longitude, to_latitude, to_longitude = ends.T
        return Columns(
            area=area,
            hour=tokens[:, 1].astype(np.int64),
            origin_latitude=latitude / MICRO,
            origin_longitude=longitude / MICRO,
            destination_latitude=to_latitude / MICRO,
            destination_longitude=to_longitude / MICRO,
            distance_m=distance_between(latitude, longitude, to_latitude, to_longitude),
        )

    def _origins(self, tokens: Tokens, generator: np.random.Generator) -> Integers:
        """Positions in the origins' cells, in microdegrees, shape (n, 2).

        They lie inside the area, but for those that missed it `_ORIGIN_REDRAWS` times.
        """
        area = tokens[:, 0].astype(np.int64)
        low, high = self._micro_corners[area, :2], self._micro_corners[area, 2:]
        cell_south, cell_west, height, width = self._cells(tokens)
        places = np.zeros((len(area), 2), np.int64)
        left = np.arange(len(area))
        for _ in range(_ORIGIN_REDRAWS):
            drawn = np.stack(
                [
                    cell_south[left] + height[left] * generator.random(len(left)),
                    cell_west[left] + width[left] * generator.random(len(left)),
                ],
                axis=1,
            )
            places[left] = rounded(drawn, low[left], high[left])
            left = left[~held(self.boxes, area[left], tuple(places[left].T / MICRO))]
            if len(left) == 0:
                break
        return places

    def _digits(self, area: Integers, latitude: Floats, longitude: Floats) -> Tokens:
        """Digits of positions inside their boxes, shape (n, levels)."""
        south, west, north, east = self.corners[area].T
        parts = SPLIT**self.levels
        row = np.minimum((latitude - south) / (north - south) * parts, parts - 1).astype(np.int64)
        column = np.minimum((longitude - west) / (east - west) * parts, parts - 1).astype(np.int64)
        shrink = SPLIT ** np.arange(self.levels - 1, -1, -1)
        rows = row[:, None] // shrink % SPLIT
        columns = column[:, None] // shrink % SPLIT
        return np.asarray(rows * SPLIT + columns, np.int32)

    def _cells(self, tokens: Tokens) -> tuple[Floats, Floats, Floats, Floats]:
        """South and west edge, height and width of the origins' cells, degrees."""
        south, west, north, east = self.corners[tokens[:, 0]].T
        row, column = _row_and_column(tokens[:, 2 : 2 + self.levels])
        height, width = (north - south) / SPLIT**self.levels, (east - west) / SPLIT**self.levels
        return south + row * height, west + column * width, height, width

    def _cell_centres(self, tokens: Tokens) -> tuple[Floats, Floats]:
        south, west, height, width = self._cells(tokens)
        return south + height / 2, west + width / 2

    def _offset(
        self,
        tokens: Tokens,
        origins: Integers,
        generator: np.random.Generator,
        any_bearing: bool,
    ) -> Integers:
        """One draw of destinations, in microdegrees, shape (n, 2); not yet checked."""
        nearest, farthest = (
            self.distance_edges[tokens[:, -2]],
            self.distance_edges[tokens[:, -2] + 1],
        )
        distance = nearest * (farthest / nearest) ** generator.random(len(tokens))
        sector = generator.random(len(tokens)) + tokens[:, -1]
        if any_bearing:
            sector = generator.random(len(tokens)) * BEARINGS
        to_latitude, to_longitude = sphere.destination(
            origins[:, 0] / MICRO, origins[:, 1] / MICRO, distance, sector * (2 * np.pi / BEARINGS)
        )
        ends = np.stack([to_latitude, to_longitude], axis=1)
        return np.asarray(np.round(ends * MICRO), np.int64)


def _row_and_column(digits: Tokens) -> tuple[Integers, Integers]:
    """Row and column of the cells that some digits name, from the south-west, shape (n,) each."""
    place = SPLIT ** np.arange(digits.shape[1] - 1, -1, -1)
    return np.asarray((digits // SPLIT) @ place), np.asarray((digits % SPLIT) @ place)


def _numbers(trips: pa.Table, name: str) -> Floats:
    return np.asarray(trips[name].to_numpy(), np.float64)


def _longest_distance_m(box: Box) -> float:
    """An upper bound on the distance of two points of a box, metres."""
    latitudes: Sequence[float] = [box.south, box.north]
    if box.south < 0 < box.north:
        latitudes = [box.south, 0.0, box.north]
    ends = [(y, x) for y in latitudes for x in (box.west, box.east)]
    start, end = np.array([(a, b) for a in ends for b in ends]).transpose(1, 2, 0)
    return float(np.max(haversine(start[0], start[1], end[0], end[1])))
