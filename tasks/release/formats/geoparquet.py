"""Rows with a geometry, as GeoParquet 1.1: lines of trips, points of starts and ends.

https://geoparquet.org/releases/v1.1.0/. Coordinates are longitude and latitude in OGC:CRS84, which
is what a file says that names no reference system.
"""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely

from tasks.release.tables import write_parquet

GEOMETRY = "geometry"
_TRIP = ("origin", "destination")


def write_geoparquet(table: pa.Table, path: Path) -> None:
    """Write rows as lines or points; the other columns are kept.

    Args:
        table: Published rows: of trips, with an origin and a destination, or of places.
        path: Of the file.
    """
    is_of_trips = "origin_latitude" in table.column_names
    ends = [f"{end}_" for end in _TRIP] if is_of_trips else [""]
    coordinates = [f"{end}{axis}" for end in ends for axis in ("longitude", "latitude")]
    positions = np.stack([table[name].to_numpy() for name in coordinates], axis=1)
    shapes = (
        shapely.linestrings(positions.reshape(-1, 2, 2))
        if is_of_trips
        else shapely.points(positions)
    )
    kept = table.drop_columns(coordinates)
    about = pa.field(
        GEOMETRY,
        pa.binary(),
        nullable=False,
        metadata={"description": "From start to end." if is_of_trips else "Where it is."},
    )
    written = kept.append_column(about, pa.array(shapely.to_wkb(shapes, byte_order=1), pa.binary()))
    kind = "LineString" if is_of_trips else "Point"
    geo = json.dumps(_geo(kind, shapely.total_bounds(shapes).tolist() if len(shapes) else None))
    write_parquet(
        written.replace_schema_metadata({**(kept.schema.metadata or {}), "geo": geo}), path
    )


def _geo(kind: str, bounds: list[float] | None) -> dict[str, object]:
    """The file's metadata: version, column, encoding, kind of geometry, bounds if there are any."""
    column: dict[str, object] = {"encoding": "WKB", "geometry_types": [kind]}
    if bounds is not None:
        column["bbox"] = bounds
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
