"""Reading a region's YAML file, with one clear line for every mistake in it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tasks.region.errors import RegionError
from tasks.region.geojson import read_features
from tasks.region.model import Region
from tasks.region.ways import read_ways
from tasks.region.yaml_file import faults, read_mapping


def load_region(path: Path) -> Region:
    """Read and validate one region file.

    A service area that names a polygon file by `file`, relative to the region's own, gets the
    polygons of the feature of its name, or of all features if none has it. So a region holds all
    that is known of it, wherever it is sent. Roads and docks are too many for that: their file
    is checked and stays where it is, and the region names it by its full path.

    Args:
        path: The YAML file.

    Raises:
        RegionError: If a file is missing, is no YAML or GeoJSON, or breaks a rule of the model.
    """
    document = read_mapping(path, "region", "id, name, feeds", RegionError)
    areas = document.get("service_area")
    if isinstance(areas, list):
        document["service_area"] = [_with_polygons(area, path) for area in areas]
    snap = document.get("snap")
    if isinstance(snap, dict) and isinstance(snap.get("file"), str):
        snap["file"] = str(path.absolute().parent / snap["file"])
    try:
        region = Region.model_validate(document)
    except ValidationError as error:
        raise RegionError(f"{path}: {faults(error)}") from error
    if region.snap is not None:
        read_ways(Path(region.snap.file), region.service_area, region.snap.within_m)
    return region


def load_regions(paths: Iterable[Path]) -> list[Region]:
    """Read the region files, and those (`*.yaml`) of the folders, that are named.

    Raises:
        RegionError: If one is wrong, a folder has none, or two have one id.
    """
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not found:
            raise RegionError(f"{path}: no region files (*.yaml) in it")
        files += found
    regions: dict[str, Region] = {}
    for file in files:
        region = load_region(file)
        if region.id in regions:
            raise RegionError(f"{file}: two files have one region id; give each its own")
        regions[region.id] = region
    return list(regions.values())


def _with_polygons(area: Any, path: Path) -> Any:
    """A service area as the model knows it: its polygon file, if it names one, is read in."""
    if not isinstance(area, dict) or "file" not in area:
        return area
    if "polygons" in area or not isinstance(area["file"], str):
        raise RegionError(
            f"{path}: a service area has either polygons or, as `file`, the name of a GeoJSON file"
        )
    read = read_features(path.parent / area["file"])
    own = [feature for feature in read if feature.properties.get("name") == area.get("name")]
    polygons = [polygon for feature in own or read for polygon in feature.polygons]
    return {key: value for key, value in area.items() if key != "file"} | {"polygons": polygons}
