"""The public grid: a trip as a short row of categorical tokens, and back.

Everything here follows from the region's service area and from constants in this file; nothing
is learnt from trips. A trip is encoded by itself, so what is encoded for a day is the union of
what is encoded for its trips.

The tokens of a trip, in order: the service area; the hour; the origin as digits of a hierarchical
grid over the area's box, each digit one of 8 x 8 parts of the part before; the distance to the
destination in quarter octaves from 100 m; the bearing in 32 directions. Distance and bearing are
taken from the origin, not from the map, because most trips are short: the offset says in two
tokens what two more positions would say in six.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.mobility.distance import haversine
from tasks.region.model import Box
from tasks.synthesis import microdegrees, sphere
from tasks.synthesis.microdegrees import MICRO, distance_between, rounded

HOURS = 24
SPLIT = 8
"""Each level of the grid splits a cell into SPLIT x SPLIT parts."""
MIN_DISTANCE_M = 100.0
"""A trip is longer than this."""
BINS_PER_OCTAVE = 4
BEARINGS = 32
NULL = -1
"""Every token of a null record, which contributes nothing to any query."""

_REDRAWS = 16

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
    def _corners(self) -> Floats:
        """South, west, north, east of every box, shape (boxes, 4), degrees."""
        return np.array([(box.south, box.west, box.north, box.east) for box in self.boxes])

    @cached_property
    def _micro_corners(self) -> Integers:
        """The outermost multiples of 1e-6 degrees inside every box, shape (boxes, 4)."""
        return microdegrees.corners(self.boxes)

    def encode(self, trips: pa.Table) -> Tokens:
        """The tokens of each trip.

        A row that is not inside its area's box, not over 100 m or not in hours 0 to 23 becomes a
        null record. That is a fixed rule on the row itself.

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
            & self._holds(area, latitude, longitude)
            & self._holds(area, to_latitude, to_longitude)
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

    def distance_mask(self, tokens: Tokens) -> Bools:
        """Which distances can end inside the box, seen from the centre of the origin's cell.

        Args:
            tokens: Shape (n, tokens); area and origin are read.

        Returns:
            Shape (n, distance bins); the shortest is always allowed.
        """
        latitude, longitude = self._cell_centres(tokens)
        south, west, north, east = self._corners[tokens[:, 0]].T
        farthest = np.max(
            [haversine(latitude, longitude, y, x) for y in (south, north) for x in (west, east)],
            axis=0,
        )
        allowed = self._middle_distances()[None, :] <= farthest[:, None]
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
        distance = self._middle_distances()[tokens[:, -2]]
        angle = (np.arange(BEARINGS) + 0.5) * (2 * np.pi / BEARINGS)
        to_latitude, to_longitude = sphere.destination(
            latitude[:, None], longitude[:, None], distance[:, None], angle[None, :]
        )
        south, west, north, east = self._corners[tokens[:, 0]].T[:, :, None]
        allowed = (
            (to_latitude >= south)
            & (to_latitude <= north)
            & (to_longitude >= west)
            & (to_longitude <= east)
        )
        return np.asarray(allowed | ~allowed.any(axis=1, keepdims=True))

    def decode(self, tokens: Tokens, generator: np.random.Generator) -> Columns:
        """Positions for tokens: uniform in the origin's cell, log-uniform in the offset's bins.

        Offsets that leave the box or shrink to 100 m are drawn again, first within their bins,
        then with any bearing; the few that remain get the point half a box to the north or south,
        whichever is inside, which is always valid.

        Args:
            tokens: Shape (n, tokens), no null records.
            generator: Source of randomness; not secret, the tokens are private already.

        Returns:
            Valid columns of n rows.
        """
        area = tokens[:, 0].astype(np.int64)
        south, west, north, east = self._micro_corners[area].T
        cell_south, cell_west, height, width = self._cells(tokens)
        latitude = rounded(cell_south + height * generator.random(len(area)), south, north)
        longitude = rounded(cell_west + width * generator.random(len(area)), west, east)
        rises = 2 * latitude <= south + north
        to_latitude = np.where(rises, latitude + (north - south) // 2, latitude)
        to_latitude = np.where(rises, to_latitude, latitude - (north - south) // 2)
        to_longitude = longitude.copy()
        left = np.arange(len(area))
        for attempt in range(2 * _REDRAWS):
            to_y, to_x = self._offset(
                tokens[left], latitude[left], longitude[left], generator, attempt >= _REDRAWS
            )
            good = (
                (to_y >= south[left])
                & (to_y <= north[left])
                & (to_x >= west[left])
                & (to_x <= east[left])
                & (distance_between(latitude[left], longitude[left], to_y, to_x) > MIN_DISTANCE_M)
            )
            to_latitude[left[good]], to_longitude[left[good]] = to_y[good], to_x[good]
            left = left[~good]
            if len(left) == 0:
                break
        return Columns(
            area=area,
            hour=tokens[:, 1].astype(np.int64),
            origin_latitude=latitude / MICRO,
            origin_longitude=longitude / MICRO,
            destination_latitude=to_latitude / MICRO,
            destination_longitude=to_longitude / MICRO,
            distance_m=distance_between(latitude, longitude, to_latitude, to_longitude),
        )

    def _holds(self, area: Integers, latitude: Floats, longitude: Floats) -> Bools:
        south, west, north, east = self._corners[area].T
        return np.asarray(
            (latitude >= south) & (latitude <= north) & (longitude >= west) & (longitude <= east)
        )

    def _digits(self, area: Integers, latitude: Floats, longitude: Floats) -> Tokens:
        """Digits of positions inside their boxes, shape (n, levels)."""
        south, west, north, east = self._corners[area].T
        parts = SPLIT**self.levels
        row = np.minimum((latitude - south) / (north - south) * parts, parts - 1).astype(np.int64)
        column = np.minimum((longitude - west) / (east - west) * parts, parts - 1).astype(np.int64)
        shrink = SPLIT ** np.arange(self.levels - 1, -1, -1)
        rows = row[:, None] // shrink % SPLIT
        columns = column[:, None] // shrink % SPLIT
        return np.asarray(rows * SPLIT + columns, np.int32)

    def _cells(self, tokens: Tokens) -> tuple[Floats, Floats, Floats, Floats]:
        """South and west edge, height and width of the origins' cells, degrees."""
        south, west, north, east = self._corners[tokens[:, 0]].T
        digits = tokens[:, 2 : 2 + self.levels]
        place = SPLIT ** np.arange(self.levels - 1, -1, -1)
        row, column = (digits // SPLIT) @ place, (digits % SPLIT) @ place
        height, width = (north - south) / SPLIT**self.levels, (east - west) / SPLIT**self.levels
        return south + row * height, west + column * width, height, width

    def _cell_centres(self, tokens: Tokens) -> tuple[Floats, Floats]:
        south, west, height, width = self._cells(tokens)
        return south + height / 2, west + width / 2

    def _middle_distances(self) -> Floats:
        """The middle of each distance bin, metres, on the logarithmic scale."""
        return np.asarray(np.sqrt(self.distance_edges[:-1] * self.distance_edges[1:]))

    def _offset(
        self,
        tokens: Tokens,
        latitude: Integers,
        longitude: Integers,
        generator: np.random.Generator,
        any_bearing: bool,
    ) -> tuple[Integers, Integers]:
        """One draw of destinations, in microdegrees; not yet checked."""
        nearest, farthest = (
            self.distance_edges[tokens[:, -2]],
            self.distance_edges[tokens[:, -2] + 1],
        )
        distance = nearest * (farthest / nearest) ** generator.random(len(tokens))
        sector = generator.random(len(tokens)) + tokens[:, -1]
        if any_bearing:
            sector = generator.random(len(tokens)) * BEARINGS
        to_latitude, to_longitude = sphere.destination(
            latitude / MICRO, longitude / MICRO, distance, sector * (2 * np.pi / BEARINGS)
        )
        return (
            np.round(to_latitude * MICRO).astype(np.int64),
            np.round(to_longitude * MICRO).astype(np.int64),
        )


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
