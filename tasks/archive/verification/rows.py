"""Do the rows keep the public rules: schema, number, order, area, hour, distance?"""

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.archive.verification.report import Finding, judged
from tasks.archive.verification.source import Source
from tasks.mobility.areas import Places, held
from tasks.mobility.distance import haversine
from tasks.region import Box
from tasks.release.manifest import PublicManifest
from tasks.release.tables import SCHEMAS
from tasks.schema import Table

_TOLERANCE_M = 1.0
"""Positions are rounded to a microdegree, which moves a distance by at most 0.2 m."""


def check_rows(source: Source, manifest: PublicManifest) -> Iterator[Finding]:
    """Every table of rows."""
    for name, rows in manifest.tables.items():
        if name not in SCHEMAS:
            yield Finding(name, "open", "a table that this version does not know")
            continue
        path = source.folder / f"{name}.parquet"
        if not path.is_file():
            yield Finding(name, "fault", f"{path.name} is missing")
            continue
        table, schema = pq.read_table(path), SCHEMAS[name]
        if not table.schema.equals(schema.arrow(), check_metadata=True):
            yield Finding(name, "fault", f"{path.name} does not have the columns of its schema")
            continue
        faults = list(_faults(table, schema, manifest.region.service_area))
        if table.num_rows != rows:
            faults.insert(0, f"{table.num_rows:,} rows instead of {rows:,}")
        fine = f"{rows:,} rows, in order, within areas, hours and distances"
        yield from judged(name, faults, fine)
        yield from _csv(source.folder / f"{name}.csv.gz", table)
    if next(iter(manifest.tables.values())) != manifest.rows:
        yield Finding("rows", "fault", f"the manifest says {manifest.rows:,} rows of the first one")


def _faults(table: pa.Table, schema: Table, boxes: tuple[Box, ...]) -> Iterator[str]:
    for column in schema.columns:
        values = table[column.name]
        if values.null_count and not column.nullable:
            yield f"{column.name} is empty in {_rows(values.null_count)}"
        elif column.minimum is not None and column.maximum is not None:
            numbers = values.to_numpy()
            inside = (column.minimum <= numbers) & (numbers <= column.maximum)
            if outside := int((~inside).sum()):
                yield (
                    f"{column.name} is not {column.minimum:g} to {column.maximum:g} in "
                    f"{_rows(outside)}"
                )
    ends = [name[: -len("latitude")] for name in schema.names if name.endswith("latitude")]
    places = [
        (table[f"{end}latitude"].to_numpy(), table[f"{end}longitude"].to_numpy()) for end in ends
    ]
    if outside := _outside(table, boxes, places):
        yield f"{_rows(outside)} not within the area that {_they(outside)} named"
    if "distance_m" in schema.names:
        yield from _distances(table["distance_m"].to_numpy(), places)
    if not table.equals(table.sort_by([(name, "ascending") for name in schema.names])):
        yield "the rows are not in order of their columns, as they are published"


def _outside(table: pa.Table, boxes: tuple[Box, ...], places: list[Places]) -> int:
    names = pa.array([box.name for box in boxes])
    index = pc.fill_null(pc.index_in(table["area"], value_set=names), -1).to_numpy()
    return int((~held(boxes, index.astype(np.int64), *places)).sum())


def _distances(distance_m: NDArray[np.float64], places: list[Places]) -> Iterator[str]:
    if short := int((~(distance_m > 100)).sum()):
        yield f"{_rows(short)} not over 100 m"
    (from_latitude, from_longitude), (to_latitude, to_longitude) = places
    with np.errstate(invalid="ignore"):  # of positions that are none
        exact = haversine(from_latitude, from_longitude, to_latitude, to_longitude)
    if wrong := int((~(np.abs(exact - distance_m) <= _TOLERANCE_M)).sum()):
        yield f"distance_m is not that between the ends in {_rows(wrong)}"


def _csv(path: Path, table: pa.Table) -> Iterator[Finding]:
    if not path.is_file():
        return
    types = {field.name: field.type for field in table.schema}
    options = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False)
    with gzip.open(path) as file:
        rows = pyarrow.csv.read_csv(file, convert_options=options)
    is_same = rows.equals(table.cast(pa.schema(list(types.items()))))
    fault = f"{path.name} does not have the rows of the Parquet file"
    yield from judged(path.name, [] if is_same else [fault], "the same rows")


def _rows(number: int) -> str:
    return f"{number:,} row" if number == 1 else f"{number:,} rows"


def _they(number: int) -> str:
    return "it has" if number == 1 else "they have"
