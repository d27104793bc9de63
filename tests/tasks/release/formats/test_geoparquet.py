"""What geopandas and DuckDB read of rows with a geometry."""

import json
from pathlib import Path

import duckdb
import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.release.formats.geoparquet import write_geoparquet
from tasks.schema import RELEASE


def test_the_shapes_are_those_of_the_rows(release: Path, kind: str) -> None:
    names = ["trips"] if kind == "trips" else ["starts", "ends", "modelled_trips"]
    for name in names:
        rows = pq.read_table(release / f"{name}.parquet").to_pandas()
        shapes = geopandas.read_parquet(release / f"{name}.geo.parquet")
        assert shapes.crs == "OGC:CRS84"
        is_trip = "origin_latitude" in rows
        assert set(shapes.geom_type) == {"LineString" if is_trip else "Point"}
        found = shapes.get_coordinates().to_numpy().reshape(len(rows), -1)
        ends = ["origin_", "destination_"] if is_trip else [""]
        expected = rows[[f"{end}{axis}" for end in ends for axis in ("longitude", "latitude")]]
        np.testing.assert_array_equal(found, expected.to_numpy())
        kept = [column for column in rows if not column.endswith(("latitude", "longitude"))]
        assert list(shapes.columns) == [*kept, "geometry"]
        assert (shapes[kept] == rows[kept]).all(axis=None)


def test_the_file_says_what_the_standard_asks_for(release: Path, kind: str) -> None:
    path = release / ("trips" if kind == "trips" else "starts")
    schema = pq.read_schema(path.with_suffix(".geo.parquet"))
    geo = json.loads(schema.metadata[b"geo"])
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    (column,) = geo["columns"].values()
    assert column["encoding"] == "WKB"
    shapes = geopandas.read_parquet(path.with_suffix(".geo.parquet"))
    assert column["bbox"] == shapes.total_bounds.tolist()
    assert column["geometry_types"] == ["LineString" if kind == "trips" else "Point"]
    assert schema.field("hour").metadata[b"unit"] == b"h"
    assert not schema.field("geometry").nullable


def test_duckdb_counts_them(release: Path, kind: str) -> None:
    path = release / f"{'trips' if kind == 'trips' else 'starts'}.geo.parquet"
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT count(geometry) FROM '{path}'").fetchone()
    assert found == (pq.read_metadata(path).num_rows,)


def test_no_rows_have_no_bounds(tmp_path: Path) -> None:
    write_geoparquet(pa.table([[]] * 7, schema=RELEASE.arrow()), tmp_path / "none.geo.parquet")
    assert len(geopandas.read_parquet(tmp_path / "none.geo.parquet")) == 0
