"""Squares of a grid a kilometre or so wide, and documents of feeds made of them."""

import json
from typing import Any

from tests.tasks.conftest import FeedServer

WEST, SOUTH, STEP = 8.0, 50.0, 0.01


def square(column: float, row: float, side: float = 1) -> list[list[float]]:
    """A ring that runs as RFC 7946 says, from a column and row of the grid."""
    west, south = round(WEST + column * STEP, 6), round(SOUTH + row * STEP, 6)
    east, north = round(west + side * STEP, 6), round(south + side * STEP, 6)
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def zone(ring: list[list[float]], *rules: dict[str, Any], **properties: Any) -> dict[str, Any]:
    geometry = {"type": "MultiPolygon", "coordinates": [[ring]]}
    return {
        "type": "Feature",
        "geometry": geometry,
        "properties": {"rules": list(rules), **properties},
    }


def zones_file(*features: Any, **data: Any) -> dict[str, Any]:
    collection = {"type": "FeatureCollection", "features": list(features)}
    return {"version": "2.3", "data": {"geofencing_zones": collection, **data}}


def serve_feed(server: FeedServer, files: dict[str, dict[str, Any]]) -> str:
    """A feed set with these files, and vehicles that nobody should ask for."""
    names = [*files, "free_bike_status", "vehicle_status"]
    feeds = [{"name": name, "url": f"{server.url}/{name}.json"} for name in names]
    for name, document in files.items():
        server.serve(f"/{name}.json", json.dumps(document).encode())
    for name in names[-2:]:
        server.serve(f"/{name}.json", b'{"data": {"bikes": [], "vehicles": []}}')
    listing = {"version": "2.3", "data": {"en": {"feeds": feeds}}}
    return server.serve("/gbfs.json", json.dumps(listing).encode())
