"""Outline: make a region's service area from a public source, for a person to look at."""

import os
from collections.abc import Sequence
from pathlib import Path

from tasks.files import write_atomically
from tasks.gbfs import Manners
from tasks.service_area import AreaError, areas_of_feed, areas_of_file, geojson_of, yaml_of


def outline(
    source: str,
    file: Path,
    *,
    cuts: Sequence[Path] = (),
    key: str = "name",
    buffer_m: float,
) -> str:
    """Make areas from a feed or from a polygon file, and write their polygons.

    Args:
        source: URL of a feed's discovery file, or path of a GeoJSON file.
        file: Where the polygons are written; it must not exist.
        cuts: Polygon files of what is no part of the area.
        key: The property of a polygon file that names its areas.
        buffer_m: Metres around a station that belong to the area.

    Returns:
        The block `service_area` of a region's file beside the written one.

    Raises:
        AreaError: If the source gives no area, or the file exists or cannot be written.
        FeedError: If the feed is not to be had.
        RegionError: If a polygon file is wrong.
    """
    if os.path.lexists(file):
        raise AreaError(f"{file} exists; remove it or name another file for the polygons")
    if not 10 <= buffer_m <= 5_000:
        raise AreaError(f"a buffer is 10 to 5000 metres, not {buffer_m:g}")
    if "://" in source:
        areas = areas_of_feed(source, cuts, buffer_m, manners=Manners.of_machine())
    else:
        areas = areas_of_file(Path(source), cuts, key)
    try:
        write_atomically(file, geojson_of(areas))
    except OSError as error:
        raise AreaError(
            f"{file}: cannot be written: {error.strerror}; name another file"
        ) from error
    return yaml_of(areas, file.name)
