"""Stations of a feed: at their docks, or on the ground around them, rides start and end."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from shapely import MultiPolygon, Point

from tasks.gbfs.document import content
from tasks.gbfs.errors import TooLargeError, WrongShapeError
from tasks.gbfs.values import identifier, number
from tasks.region.geojson import features_of
from tasks.service_area.outline import Plane, polygonal, shape_of, text_of

MOST_STATIONS = 100_000
"""Of one feed; the largest have a few thousand."""


def parse_stations(document: dict[str, Any]) -> dict[str | None, list[shapely.Geometry]]:
    """Where the stations stand, by the id of their region.

    A station with an area of its own (`station_area`) is that area; one without a position on
    Earth is left out.

    Args:
        document: The decoded station_information.json.

    Raises:
        TooLargeError: If it holds more than `MOST_STATIONS` stations.
        WrongShapeError: If it holds no list of stations.
    """
    found: dict[str | None, list[shapely.Geometry]] = {}
    for record in _records(document):
        place = _place(record)
        if place is not None:
            found.setdefault(identifier(record.get("region_id")), []).append(place)
    return found


def parse_docks(document: dict[str, Any]) -> dict[Point, str | None]:
    """Where the stations stand, each place once, with the station's name.

    Args:
        document: The decoded station_information.json.

    Raises:
        TooLargeError: If it holds more than `MOST_STATIONS` stations.
        WrongShapeError: If it holds no list of stations.
    """
    found: dict[Point, str | None] = {}
    for record in _records(document):
        position = _position(record)
        if position is not None:
            found.setdefault(position, text_of(record.get("name")))
    return found


def parse_regions(document: dict[str, Any]) -> dict[str, str]:
    """Names of the regions of a decoded system_regions.json, by id; none if it has no list."""
    records = content(document).get("regions")
    names = {}
    for record in records if isinstance(records, list) else ():
        if isinstance(record, dict):
            key, name = identifier(record.get("region_id")), text_of(record.get("name"))
            if key is not None and name is not None:
                names[key] = name
    return names


def around(stations: Sequence[shapely.Geometry], buffer_m: float) -> MultiPolygon:
    """The ground within a distance of the stations, and what lies between them.

    The ground of two stations is joined if they are up to about 3.4 times the distance apart.
    """
    together = shapely.union_all(stations)
    plane = Plane.around(together)
    wide = shapely.buffer(plane.metres(together), 2 * buffer_m, quad_segs=4)
    return polygonal(plane.degrees(shapely.buffer(wide, -buffer_m, quad_segs=4)))


def _records(document: dict[str, Any]) -> list[dict[str, Any]]:
    records = content(document).get("stations")
    if not isinstance(records, list):
        raise WrongShapeError("the JSON holds no list of stations (data.stations)")
    if len(records) > MOST_STATIONS:
        raise TooLargeError("the body holds more stations than any feed")
    return [record for record in records if isinstance(record, dict)]


def _place(record: dict[str, Any]) -> shapely.Geometry | None:
    try:
        area = shape_of([p for one in features_of(record["station_area"]) for p in one.polygons])
        if not area.is_empty:
            return area
    except (KeyError, ValueError):
        pass
    return _position(record)


def _position(record: dict[str, Any]) -> Point | None:
    latitude, longitude = number(record.get("lat")), number(record.get("lon"))
    if latitude is None or longitude is None or not np.hypot(latitude, longitude) > 1e-6:
        return None
    return Point(longitude, latitude) if abs(latitude) <= 85 and abs(longitude) <= 180 else None
