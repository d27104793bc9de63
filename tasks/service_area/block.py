"""Areas as a region's file names them, and as GeoJSON."""

import json

from tasks.service_area.outline import Areas


def geojson_of(areas: Areas) -> bytes:
    """The areas as a FeatureCollection, each a feature with its name; a position on a line."""
    features = []
    for box in areas.boxes:
        polygons = [[[list(p) for p in ring] for ring in rings] for rings in box.polygons]
        geometry = {"type": "MultiPolygon", "coordinates": polygons}
        features.append({"type": "Feature", "properties": {"name": box.name}, "geometry": geometry})
    lines = ",\n".join(json.dumps(feature) for feature in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'.encode()


def yaml_of(areas: Areas, file: str) -> str:
    """The block of a region's file that names the areas, with where they are from.

    Args:
        areas: The areas.
        file: Name of their GeoJSON file, relative to the region's file.
    """
    notes = [f"# {' '.join(note.split())}" for note in areas.notes]
    rows = [f"  - {{name: {box.name}, file: {json.dumps(file)}}}" for box in areas.boxes]
    return "\n".join([*notes, "service_area:", *rows]) + "\n"
