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


def write_geoparquet(table: pa.Table, path: Path) -> None:
    """Write rows as lines or points; the other columns are kept.

    Args:
        table: Published rows: of trips, with an origin and a destination, or of places.
        path: Of the file.
    """
    ends = ["origin_", "destination_"] if "origin_latitude" in table.column_names else [""]
    coordinates = [f"{end}{axis}" for end in ends for axis in ("longitude", "latitude")]
    positions = np.stack([table[name].to_numpy() for name in coordinates], axis=1)
    positions = positions.reshape(-1, len(ends), 2)
    shapes = shapely.linestrings(positions) if len(ends) == 2 else shapely.points(positions[:, 0])
    about = {"description": "Line from start to end." if len(ends) == 2 else "Where it is."}
    kept = table.drop_columns(coordinates)
    written = kept.append_column(
        pa.field(GEOMETRY, pa.binary(), nullable=False, metadata=about),
        pa.array(shapely.to_wkb(shapes, byte_order=1), pa.binary()),
    )
    bounds = shapely.total_bounds(shapes).tolist() if len(shapes) else None
    geo = json.dumps(_geo("LineString" if len(ends) == 2 else "Point", bounds))
    metadata = {**(kept.schema.metadata or {}), "geo": geo}
    write_parquet(written.replace_schema_metadata(metadata), path)


def _geo(kind: str, bounds: list[float] | None) -> dict[str, object]:
    """The file's metadata: version, column, encoding, kind of geometry, bounds if there are any."""
    column: dict[str, object] = {"encoding": "WKB", "geometry_types": [kind]}
    if bounds is not None:
        column["bbox"] = bounds
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
