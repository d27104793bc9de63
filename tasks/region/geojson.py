"""GeoJSON (RFC 7946): the polygons of each feature, with its properties; the lines and points."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.region.errors import RegionError
from tasks.region.polygons import Polygon, Position

MOST_BYTES = 64 << 20
"""Largest file that is read."""

Line = tuple[Position, ...]

_SIMPLE = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")


@dataclass(frozen=True)
class Feature:
    """A named thing and the polygons it consists of.

    Attributes:
        properties: What the file says of it.
        polygons: At least one; not checked further.
    """

    properties: Mapping[str, Any]
    polygons: tuple[Polygon, ...]


def read_features(path: Path) -> list[Feature]:
    """The features of a file that have polygons.

    Raises:
        RegionError: If the file cannot be read, is no GeoJSON, or holds no polygon.
    """
    document = decoded(path, content_of(path, "polygon file"), "polygon file")
    try:
        found = features_of(document)
    except ValueError as error:
        raise RegionError(f"{path}: {error}") from error
    if not found:
        raise RegionError(f"{path}: holds no polygon; name a GeoJSON file with some")
    return found


def content_of(path: Path, what: str) -> bytes:
    """The bytes of a GeoJSON file.

    Args:
        path: The file.
        what: It is one of these, for people.

    Raises:
        RegionError: If it cannot be read, or is larger than `MOST_BYTES`.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RegionError(f"{path}: a {what} has at most {MOST_BYTES >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise RegionError(f"{path}: cannot read the {what}: {error.strerror}") from error


def decoded(path: Path, content: bytes, what: str) -> Any:
    """The document that the bytes of a file are.

    Raises:
        RegionError: If they are no JSON.
    """
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise RegionError(f"{path}: not JSON; a {what} is GeoJSON") from error


def features_of(document: Any) -> list[Feature]:
    """The features with polygons of a decoded GeoJSON document; other geometries are left out.

    Raises:
        ValueError: If it is no GeoJSON.

    Examples:
        >>> ring = [[8, 50], [9, 50], [9, 51, 120.5], [8, 50]]
        >>> feature = features_of({"type": "Polygon", "coordinates": [ring]})[0]
        >>> feature.polygons
        ((((8.0, 50.0), (9.0, 50.0), (9.0, 51.0), (8.0, 50.0)),),)
    """
    found = []
    for properties, geometry in _members(document):
        polygons = tuple(_polygons(geometry))
        if polygons:
            found.append(Feature(properties, polygons))
    return found


def lines_of(document: Any) -> list[Line]:
    """The lines and points of a decoded GeoJSON document; polygons are left out.

    Returns:
        The positions of each; a point is a line of one position.

    Raises:
        ValueError: If it is no GeoJSON.

    Examples:
        >>> line = {"type": "LineString", "coordinates": [[8, 50], [9, 50]]}
        >>> points = {"type": "MultiPoint", "coordinates": [[8, 51], [9, 51]]}
        >>> lines_of({"type": "GeometryCollection", "geometries": [line, points]})
        [((8.0, 50.0), (9.0, 50.0)), ((8.0, 51.0),), ((9.0, 51.0),)]
    """
    found: list[Line] = []
    for _, geometry in _members(document):
        for kind, coordinates in _simple(geometry):
            if kind == "Point":
                found.append((_position(coordinates),))
            elif kind == "MultiPoint":
                found += [(position,) for position in _positions(coordinates)]
            elif kind == "LineString":
                found.append(_positions(coordinates))
            elif kind == "MultiLineString":
                found += [_positions(line) for line in _list(coordinates)]
    return [line for line in found if line]


def _members(document: Any) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Properties and geometry of each feature; a geometry by itself has no properties."""
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "FeatureCollection":
        members = document.get("features")
        if not isinstance(members, list):
            raise ValueError("a FeatureCollection has a list of features")
        for member in members:
            yield from _members(member)
    elif kind == "Feature":
        properties = document.get("properties")
        if document.get("geometry") is not None:
            yield properties if isinstance(properties, dict) else {}, document["geometry"]
    else:
        yield {}, document


def _simple(geometry: Any) -> Iterator[tuple[str, Any]]:
    """Type and coordinates of each geometry that is no collection."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind == "GeometryCollection":
        for member in _list(geometry.get("geometries")):
            yield from _simple(member)
    elif kind in _SIMPLE:
        yield kind, geometry.get("coordinates")
    else:
        raise ValueError(f"no GeoJSON: {_short(kind)} is no type of feature or geometry")


def _polygons(geometry: Any) -> Iterator[Polygon]:
    for kind, coordinates in _simple(geometry):
        if kind == "Polygon":
            yield _polygon(coordinates)
        elif kind == "MultiPolygon":
            yield from map(_polygon, _list(coordinates))


def _polygon(coordinates: Any) -> Polygon:
    return tuple(_positions(ring) for ring in _list(coordinates))


def _positions(coordinates: Any) -> Line:
    return tuple(_position(position) for position in _list(coordinates))


def _position(position: Any) -> Position:
    if isinstance(position, list) and len(position) >= 2:
        longitude, latitude = position[:2]
        if all(type(value) in (int, float) and abs(value) <= 360 for value in position[:2]):
            return float(longitude), float(latitude)
    raise ValueError(
        f"no GeoJSON: {_short(position)} is no position [longitude, latitude] in degrees"
    )


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"no GeoJSON: {_short(value)} stands where coordinates should")
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
