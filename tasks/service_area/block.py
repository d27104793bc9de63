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

EDGES = ("south", "west", "north", "east")


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


def yaml_of(areas: Areas, file: str | None = None) -> str:
    """The block of a region's file that names the areas, with where they are from.

    Args:
        areas: The areas.
        file: Name of their GeoJSON file, relative to the region's file. Default: none, their
            edges or polygons stand in the block.
    """
    notes = [*areas.notes, *map(_where, areas.boxes)]
    lines = [f"# {' '.join(note.split())}" for note in notes]
    rows = [row for box in areas.boxes for row in _rows(box, file)]
    return "\n".join([*lines, "service_area:", *rows]) + "\n"


def _rows(box: Box, file: str | None) -> list[str]:
    """An area as an item of the list; of its polygons each ring has a line."""
    name = f"name: {_scalar(box.name)}"
    if file is not None:
        return [f"  - {{{name}, file: {_scalar(file)}}}"]
    if not box.polygons:
        edges = ", ".join(f"{edge}: {getattr(box, edge)}" for edge in EDGES)
        return [f"  - {{{name}, {edges}}}"]
    rows = [f"  - {name}", "    polygons:"]
    for rings in box.polygons:
        lines = [json.dumps(ring) for ring in rings]
        rows += [f"      - - {lines[0]}", *(f"        - {hole}" for hole in lines[1:])]
    return rows


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
