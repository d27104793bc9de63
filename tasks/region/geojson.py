"""GeoJSON (RFC 7946): the polygons in a file, with the properties of the feature they are of."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.region.errors import RegionError
from tasks.region.polygons import Polygon, Ring

MOST_BYTES = 64 << 20
"""Largest file that is read."""


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
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RegionError(f"{path}: a polygon file has at most {MOST_BYTES >> 20} MiB")
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RegionError(f"{path}: cannot read the polygon file: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RegionError(f"{path}: not JSON; a polygon file is GeoJSON") from error
    try:
        found = features_of(document)
    except ValueError as error:
        raise RegionError(f"{path}: {error}") from error
    if not found:
        raise RegionError(f"{path}: holds no polygon; name a GeoJSON file with some")
    return found


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
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "FeatureCollection":
        members = document.get("features")
        if not isinstance(members, list):
            raise ValueError("a FeatureCollection has a list of features")
        return [feature for member in members for feature in features_of(member)]
    if kind == "Feature":
        properties = document.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        geometry = document.get("geometry")
        polygons = () if geometry is None else tuple(_polygons(geometry))
        return [Feature(properties, polygons)] if polygons else []
    polygons = tuple(_polygons(document))
    return [Feature({}, polygons)] if polygons else []


def _polygons(geometry: Any) -> Iterator[Polygon]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind == "Polygon":
        yield _polygon(geometry.get("coordinates"))
    elif kind == "MultiPolygon":
        for coordinates in _list(geometry.get("coordinates")):
            yield _polygon(coordinates)
    elif kind == "GeometryCollection":
        for member in _list(geometry.get("geometries")):
            yield from _polygons(member)
    elif kind not in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        raise ValueError(f"no GeoJSON: {_short(kind)} is no type of feature or geometry")


def _polygon(coordinates: Any) -> Polygon:
    return tuple(_ring(ring) for ring in _list(coordinates))


def _ring(ring: Any) -> Ring:
    return tuple(_position(position) for position in _list(ring))


def _position(position: Any) -> tuple[float, float]:
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
