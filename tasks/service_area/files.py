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
    features: dict[str, list[shapely.MultiPolygon]] = {}
    for feature in read_features(path):
        name = text_of(feature.properties.get(key)) or path.stem
        features.setdefault(name, []).append(shape_of(feature.polygons))
    cut = cut_of(cuts)
    named = [
        (name, polygonal(shapely.difference(shapely.union_all(shapes), cut)))
        for name, shapes in features.items()
    ]
    return areas_of(named, [f"made from {path.name}", *notes_of(cuts)], str(path))


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
