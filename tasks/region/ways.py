"""Ways: the public roads and docks at which a region's vehicles stand.

They are the lines and points of a GeoJSON file. What lies in no service area is left out, and
positions are rounded to microdegrees, so that ways in use are ways as published.
"""

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import shapely
from numpy.typing import NDArray

from tasks.region.errors import RegionError
from tasks.region.geojson import Line, content_of, decoded, lines_of
from tasks.region.model import Box
from tasks.region.polygons import KM_PER_DEGREE, shape_of

WAYS = "ways.geojson.gz"
"""Name of the file of ways in use."""
MOST_POSITIONS = 500_000
"""In the service area; the roads of the largest cities have about as many."""
MOST_KM = 50_000.0
"""In the service area, all lines together."""

_KIND = "file of roads and docks"
_DECIMALS = 6
_POINT, _LINE = 0, 1
"""Types of geometries, as shapely numbers them."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Lines:
    """Lines as arrays; a dock is a line of one position.

    Attributes:
        positions: Longitude and latitude in degrees, line after line, shape (n, 2).
        first: Index of the first position of each line, shape (lines,).
    """

    positions: Floats
    first: Integers

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Self:
        """Lines given by their positions."""
        lines = list(lines)
        lengths = np.array([len(line) for line in lines], np.int64)
        positions = [position for line in lines for position in line]
        return cls(np.array(positions, np.float64).reshape(-1, 2), np.cumsum(lengths) - lengths)

    @property
    def segments(self) -> Floats:
        """Both ends of each straight piece, those of a dock the same, shape (n, 2, 2)."""
        index = self._line_of_position()
        follows = np.flatnonzero(index[1:] == index[:-1])
        pieces = np.stack([self.positions[follows], self.positions[follows + 1]], axis=1)
        docks = self.positions[self.first[self._lengths() == 1]]
        return np.concatenate([pieces, np.stack([docks, docks], axis=1)])

    def inside(self, shape: shapely.Geometry) -> "Lines":
        """The parts of the lines that lie in a prepared shape, rounded to microdegrees."""
        index, lengths = self._line_of_position(), self._lengths()
        lone = lengths[index] == 1
        docks = self.positions[lone]
        docks = docks[shapely.intersects_xy(shape, docks[:, 0], docks[:, 1])]
        _, line = np.unique(index[~lone], return_inverse=True)
        roads = shapely.linestrings(self.positions[~lone], indices=line)
        roads = roads[shapely.intersects(shape, roads)]
        whole = shapely.contains_properly(shape, roads)
        cut = shapely.get_parts(shapely.intersection(roads[~whole], shape))
        cut = shapely.get_parts(cut)  # of collections of lines and points
        roads = np.concatenate([roads[whole], cut[shapely.get_type_id(cut) == _LINE]])
        positions, line = shapely.get_coordinates(roads, return_index=True)
        lines = np.concatenate([line, len(roads) + np.arange(len(docks))])
        rounded = np.round(np.concatenate([positions, docks]), _DECIMALS)
        return Lines(rounded, np.flatnonzero(np.diff(lines, prepend=-1)))

    def coordinates(self) -> list[list[list[float]]]:
        """The positions of each line, as GeoJSON has them."""
        ends = np.append(self.first[1:], len(self.positions))
        positions = self.positions.tolist()
        return [
            positions[first:end]
            for first, end in zip(self.first.tolist(), ends.tolist(), strict=True)
        ]

    def kilometres(self) -> float:
        """Length of all lines, km."""
        start, end = self.segments.transpose(1, 2, 0)
        east, north = (end - start) * KM_PER_DEGREE
        return float(np.hypot(east * np.cos(np.radians(start[1])), north).sum())

    def _lengths(self) -> Integers:
        return np.diff(self.first, append=len(self.positions))

    def _line_of_position(self) -> Integers:
        return np.repeat(np.arange(len(self.first)), self._lengths())


@dataclass(frozen=True)
class Ways:
    """The roads and docks in a service area.

    Attributes:
        within_m: How far from where it was drawn an end is moved at most, metres.
        of_area: The lines and points in each area; areas without any are left out. Positions are
            multiples of 1e-6 degrees.
    """

    within_m: float
    of_area: Mapping[str, Lines]

    def packed(self) -> bytes:
        """The ways as a FeatureCollection, compressed; the bytes depend on the ways alone."""
        features = []
        for name, lines in self.of_area.items():
            coordinates = lines.coordinates()
            kinds = {
                "MultiLineString": [line for line in coordinates if len(line) > 1],
                "MultiPoint": [line[0] for line in coordinates if len(line) == 1],
            }
            features += [
                {
                    "type": "Feature",
                    "properties": {"area": name},
                    "geometry": {"type": kind, "coordinates": found},
                }
                for kind, found in kinds.items()
                if found
            ]
        document = {
            "type": "FeatureCollection",
            "within_m": float(self.within_m),
            "features": features,
        }
        return gzip.compress(json.dumps(document, separators=(",", ":")).encode(), mtime=0)


def read_ways(path: Path, areas: Sequence[Box], within_m: float) -> tuple[Ways, str]:
    """The roads and docks of a GeoJSON file that lie in a service area.

    Args:
        path: The file.
        areas: The service area.
        within_m: How far an end is moved at most, metres.

    Returns:
        The ways, and the SHA-256 of the file as 64 hexadecimal digits.

    Raises:
        RegionError: If it cannot be read or is no GeoJSON, if none of its lines and points lies
            in an area, or too many do.
    """
    content = content_of(path, _KIND)
    document = decoded(path, content, _KIND)
    try:
        lines = lines_of(document)
    except ValueError as error:
        raise RegionError(f"{path}: {error}") from error
    if not lines:
        raise RegionError(f"{path}: holds no line and no point; name a GeoJSON file with some")
    everything = Lines.of(lines)
    found = {box.name: everything.inside(_shape(box)) for box in areas}
    ways = {name: inside for name, inside in found.items() if len(inside.first)}
    if not ways:
        raise RegionError(
            f"{path}: none of its lines and points lies in the service area; name a file of this "
            "city, with positions as [longitude, latitude]"
        )
    fault = _fault_of(list(ways.values()))
    if fault is not None:
        raise RegionError(f"{path}: {fault}")
    return Ways(within_m, ways), hashlib.sha256(content).hexdigest()


def load_ways(path: Path) -> Ways:
    """The ways that were packed into a file.

    Raises:
        RegionError: If it cannot be read or holds something else.
    """
    try:
        document = json.loads(gzip.decompress(content_of(path, _KIND)))
        found: dict[str, list[Line]] = {}
        for feature in document["features"]:
            found.setdefault(feature["properties"]["area"], []).extend(lines_of(feature))
        ways = {name: Lines.of(lines) for name, lines in found.items()}
        return Ways(float(document["within_m"]), ways)
    except (OSError, EOFError, ValueError, LookupError, TypeError) as error:
        raise RegionError(f"{path}: not the roads and docks of a release ({error})") from error


def _shape(box: Box) -> Any:
    if box.polygons:
        return shape_of(box.polygons)
    shape = shapely.box(box.west, box.south, box.east, box.north)
    shapely.prepare(shape)
    return shape


def _fault_of(ways: Sequence[Lines]) -> str | None:
    """What is wrong with the ways in a service area; None if nothing is."""
    positions = sum(len(lines.positions) for lines in ways)
    if positions > MOST_POSITIONS:
        return (
            f"its lines and points have {positions:,} positions in the service area; leave out "
            f"ways at which nothing is parked, down to {MOST_POSITIONS:,}"
        )
    length = sum(lines.kilometres() for lines in ways)
    if length > MOST_KM:
        return f"its lines are {length:,.0f} km long in the service area; keep {MOST_KM:,.0f} km"
    return None
