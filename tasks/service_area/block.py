"""Areas and docks as a region's file names them, and as GeoJSON."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from shapely import Point

from tasks.mobility.areas import square_degrees
from tasks.region import Box
from tasks.region.polygons import KM_PER_DEGREE
from tasks.service_area.outline import Areas


def geojson_of(areas: Areas) -> bytes:
    """The areas as a FeatureCollection, each a feature with its name; a position on a line."""
    features = []
    for box in areas.boxes:
        polygons = [[[list(p) for p in ring] for ring in rings] for rings in box.polygons]
        features.append(_feature(box.name, "MultiPolygon", polygons))
    return _collection(features)


def geojson_of_docks(docks: Mapping[Point, str | None]) -> bytes:
    """The docks as a FeatureCollection, each a feature with its name."""
    return _collection([_feature(name, "Point", [at.x, at.y]) for at, name in docks.items()])


def yaml_of(areas: Areas, file: str) -> str:
    """The block of a region's file that names the areas, with where they are from.

    Args:
        areas: The areas.
        file: Name of their GeoJSON file, relative to the region's file.
    """
    notes = [*areas.notes, *map(_where, areas.boxes)]
    lines = [f"# {' '.join(note.split())}" for note in notes]
    rows = [f"  - {{name: {_scalar(box.name)}, file: {_scalar(file)}}}" for box in areas.boxes]
    return "\n".join([*lines, "service_area:", *rows]) + "\n"


def yaml_of_docks(docks: Mapping[Point, str | None], source: str, file: str) -> str:
    """The block of a region's file that names the docks, with where they are from.

    Args:
        docks: The docks.
        source: The feed's URL.
        file: Name of their GeoJSON file, relative to the region's file.
    """
    return (
        f"# made from the {len(docks):,} stations of {' '.join(source.split())}\n"
        f"snap: {{file: {_scalar(file)}}}\n"
    )


def _feature(name: str | None, kind: str, coordinates: list[Any]) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": {"name": name}, "geometry": geometry}


def _collection(features: Sequence[dict[str, Any]]) -> bytes:
    lines = ",\n".join(json.dumps(feature) for feature in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'.encode()


def _where(box: Box) -> str:
    """Where an area lies and how large it is, for a person to check against a map."""
    shrink = math.cos(math.radians((box.south + box.north) / 2))
    size = square_degrees(box) * KM_PER_DEGREE**2 * shrink
    return (
        f"{box.name}: latitude {box.south} to {box.north}, longitude {box.west} to {box.east}, "
        f"{size:,.1f} square kilometres"
    )


def _scalar(text: str) -> str:
    """A text as YAML; in quotes where it would be read as something else.

    Examples:
        >>> _scalar("oslo"), _scalar("no"), _scalar("7")
        ('oslo', '"no"', '"7"')
    """
    plain = re.fullmatch(r"[A-Za-z0-9._-]+", text) and yaml.safe_load(text) == text
    return text if plain else json.dumps(text)
