"""From any shape to areas that a region can have: parted, simplified, rounded, named.

A shape's coordinates are degrees, x east and y north. Distances are measured in a plane in which a
degree of longitude is shrunk by the cosine of the shape's middle latitude: to one per cent over a
city, to a tenth over a country, which is enough for tolerances.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import ValidationError
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from tasks.region import Box
from tasks.region.identifier import LONGEST, identifier_of
from tasks.region.model import NARROWEST, WIDEST
from tasks.region.polygons import KM_PER_DEGREE, SMALLEST_KM2, Polygon, Ring
from tasks.service_area.errors import AreaError

APART_M = 5_000.0
"""Parts of a system that lie further apart are areas of their own: between them nobody rides."""
MOST_POSITIONS = 300
"""Positions of an area's outlines and holes together, so that a person can still read them."""
FINEST_M = 5.0
"""The least tolerance of simplified outlines; it doubles until they have few enough positions."""

_DEGREES = 1e-5
"""Positions are rounded to this: 1.1 m."""


@dataclass(frozen=True)
class Areas:
    """A service area and where it is from.

    Attributes:
        boxes: The areas, at least one.
        notes: Lines for people: which source was used, and what was done to it.
    """

    boxes: tuple[Box, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Plane:
    """Degrees to metres and back, around a latitude."""

    latitude: float

    @classmethod
    def around(cls, shape: BaseGeometry) -> "Plane":
        """The plane of a shape that is not empty."""
        _, south, _, north = shape.bounds
        return cls(min(max((south + north) / 2, -85.0), 85.0))

    def metres(self, shape: BaseGeometry) -> BaseGeometry:
        """A shape in degrees, in metres."""
        return shapely.transform(shape, lambda degrees: degrees * self._scale)

    def degrees(self, shape: BaseGeometry) -> BaseGeometry:
        """A shape in metres, in degrees."""
        return shapely.transform(shape, lambda metres: metres / self._scale)

    @property
    def _scale(self) -> NDArray[np.float64]:
        shrink = math.cos(math.radians(self.latitude))
        return np.array([shrink, 1.0]) * KM_PER_DEGREE * 1000


def shape_of(polygons: Sequence[Polygon]) -> MultiPolygon:
    """Polygons as published, which need not be valid, as a valid shape; it may be empty."""
    parts = []
    for rings in polygons:
        filled = [_filled(ring) for ring in rings]
        if filled:
            parts.append(shapely.difference(filled[0], shapely.union_all(filled[1:])))
    return polygonal(shapely.union_all([polygonal(part) for part in parts]))


def _filled(ring: Ring) -> MultiPolygon:
    """What a ring encloses; nothing if it is too short, or flat."""
    if len(ring) < 3:
        return MultiPolygon()
    return polygonal(shapely.make_valid(shapely.Polygon(ring)))


def polygonal(shape: BaseGeometry) -> MultiPolygon:
    """The polygons of a shape; its lines and points are left out."""
    parts = shapely.get_parts(shape)
    flat = shapely.get_parts(parts) if len(parts) else parts
    return MultiPolygon([part for part in flat if part.geom_type == "Polygon" and part.area > 0])


def parted(shape: MultiPolygon) -> list[MultiPolygon]:
    """The parts of a shape that lie more than `APART_M` apart, the largest first."""
    if shape.is_empty:
        return []
    plane = Plane.around(shape)
    wide = shapely.buffer(plane.metres(shape), APART_M / 2, quad_segs=4)
    polygons = shapely.get_parts(shape)
    found = []
    for reach in shapely.get_parts(wide):
        inside = polygons[shapely.intersects(plane.degrees(reach), polygons)]
        found.append(MultiPolygon(list(inside)))
    return sorted(found, key=lambda part: -part.area)


def areas_of(named: Sequence[tuple[str, MultiPolygon]], notes: Sequence[str], source: str) -> Areas:
    """Areas from shapes with the names that they should have.

    Args:
        named: For each area a name for people and a shape.
        notes: What is known already.
        source: How messages name the source.

    Raises:
        AreaError: If no shape is large enough to be an area.
    """
    boxes: list[Box] = []
    small, coarsest = 0, 0.0
    names = _identifiers([name for name, _ in named])
    for name, shape in zip(names, (shape for _, shape in named), strict=True):
        _check_on_map(name, shape, source)
        if not _is_large_enough(shape):
            small += 1
            continue
        polygons, tolerance = _simplified(shape)
        coarsest = max(coarsest, tolerance)
        try:
            boxes.append(Box.model_validate({"name": name, "polygons": polygons}))
        except ValidationError as error:
            fault = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise AreaError(f"{source}: {fault}") from error
    if not boxes:
        raise AreaError(
            f"{source}: no part of it is an area of {SMALLEST_KM2} square kilometres and "
            f"{NARROWEST} degrees from side to side; name a source that covers the city"
        )
    more = [f"outlines simplified to {coarsest:.0f} m"] if coarsest else []
    more += [f"left out as too small: {small}"] if small else []
    return Areas(tuple(boxes), (*notes, *more))


def _check_on_map(name: str, shape: MultiPolygon, source: str) -> None:
    west, south, east, north = shape.bounds
    for word, value, most in (
        ("latitude", south, 85),
        ("latitude", north, 85),
        ("longitude", west, 180),
        ("longitude", east, 180),
    ):
        if abs(value) > most:
            raise AreaError(
                f"{source}: {name!r} reaches to {word} {value:.6g}; is each position "
                "[longitude, latitude] in degrees, as GeoJSON has them?"
            )
    if (span := max(north - south, east - west)) > WIDEST:
        raise AreaError(
            f"{source}: {name!r} spans {span:.3g} degrees, more than {WIDEST:g}; give parts that "
            "lie so far apart names of their own, also those on either side of longitude 180"
        )


def _is_large_enough(shape: MultiPolygon) -> bool:
    if shape.is_empty:
        return False
    west, south, east, north = shape.bounds
    spans = east - west >= NARROWEST + _DEGREES and north - south >= NARROWEST + _DEGREES
    size = Plane.around(shape).metres(shape).area / 1e6
    return bool(spans and size >= 1.01 * SMALLEST_KM2)


def _simplified(shape: MultiPolygon) -> tuple[list[Polygon], float]:
    """Few enough positions, and the tolerance in metres that it took.

    Gaps and holes narrower than twice the tolerance close; no edge moves by more than twice the
    tolerance and half of the rounding.
    """
    plane = Plane.around(shape)
    metres = plane.metres(shape)
    near, tolerance = metres, 0.0
    while True:
        polygons = list(_rounded(plane.degrees(near)))
        if sum(len(ring) for rings in polygons for ring in rings) <= MOST_POSITIONS:
            return polygons, tolerance
        tolerance = 2 * tolerance or FINEST_M
        coarse = shapely.simplify(metres, tolerance / 4)  # buffers of long outlines are slow
        closed = shapely.buffer(coarse, tolerance, quad_segs=2)
        near = shapely.simplify(shapely.buffer(closed, -tolerance, quad_segs=2), tolerance)


def _rounded(shape: BaseGeometry) -> Iterator[Polygon]:
    """Valid polygons whose coordinates have five decimals."""
    for part in polygonal(shapely.set_precision(shape, _DEGREES)).geoms:
        rings = (part.exterior, *part.interiors)
        yield tuple(
            tuple((round(x, 5), round(y, 5)) for x, y in shapely.get_coordinates(ring))
            for ring in rings
        )


def _identifiers(names: Sequence[str]) -> list[str]:
    """Names for people as names of areas, each different.

    Examples:
        >>> _identifiers(["São Paulo", "sao-paulo", "東京"])
        ['sao-paulo', 'sao-paulo-2', 'area']
    """
    taken: dict[str, int] = {}
    found = []
    for name in names:
        stem = identifier_of(name) or "area"
        candidate = stem
        while candidate in taken:
            taken[stem] += 1
            candidate = f"{stem[: LONGEST - 7]}-{taken[stem]}"
        taken[candidate] = 1
        found.append(candidate)
    return found


def text_of(value: object) -> str | None:
    """A name for people: text, or the first of GBFS 3's texts by language.

    Examples:
        >>> text_of(" Oslo "), text_of([{"language": "en", "text": "Oslo"}]), text_of(7)
        ('Oslo', 'Oslo', None)
    """
    if isinstance(value, list):
        texts = [item.get("text") for item in value if isinstance(item, Mapping)]
        value = texts[0] if texts else None
    return value.strip()[:200] or None if isinstance(value, str) else None
