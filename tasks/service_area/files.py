"""A service area from a polygon file, less what other polygon files cut out."""

from collections.abc import Sequence
from pathlib import Path

import shapely

from tasks.region.geojson import read_features
from tasks.service_area.outline import Areas, areas_of, polygonal, shape_of, text_of


def areas_of_file(path: Path, cuts: Sequence[Path] = (), key: str = "name") -> Areas:
    """The features of a GeoJSON file, each an area.

    Args:
        path: The file; features that have one name are one area.
        cuts: Files whose polygons are no part of the area, such as parks and water.
        key: The property that names a feature.

    Raises:
        RegionError: If a file cannot be read or holds no polygon.
        AreaError: If nothing large enough is left.
    """
    features = read_features(path)
    names = [_name_of(feature.properties.get(key)) for feature in features]
    shapes: dict[str, list[shapely.MultiPolygon]] = {}
    for name, feature in zip(names, features, strict=True):
        shapes.setdefault(name or path.stem, []).append(shape_of(feature.polygons))
    cut = cut_of(cuts)
    named = [
        (name, polygonal(shapely.difference(shapely.union_all(parts), cut)))
        for name, parts in shapes.items()
    ]
    notes = [f"made from {path.name}", *notes_of(cuts)]
    if len(names) > 1 and (unnamed := names.count(None)):
        notes.append(f"features without a {key!r}, all in one area: {unnamed} of {len(names)}")
    return areas_of(named, notes, str(path))


def _name_of(value: object) -> str | None:
    """A name for people; districts may have numbers."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else text_of(value)


def cut_of(cuts: Sequence[Path]) -> shapely.MultiPolygon:
    """All polygons of some files as one shape.

    Raises:
        RegionError: If a file cannot be read or holds no polygon.
    """
    features = [feature for path in cuts for feature in read_features(path)]
    return polygonal(shapely.union_all([shape_of(feature.polygons) for feature in features]))


def notes_of(cuts: Sequence[Path]) -> list[str]:
    """What people should know of the files that cut."""
    return [f"without {path.name}" for path in cuts]
