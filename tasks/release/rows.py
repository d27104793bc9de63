"""The data files that are made of the published rows alone."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from tasks.release.formats.flows import flow_tables
from tasks.release.formats.geoparquet import write_geoparquet
from tasks.release.tables import write_csv, write_parquet


def write_rows(tables: Mapping[str, pa.Table], directory: Path) -> list[str]:
    """Write the rows as Parquet, CSV and GeoParquet, and the flows between places.

    Args:
        tables: Published rows by the name of their table.
        directory: Where the files go.

    Returns:
        Their names.
    """
    names = []
    for name, table in tables.items():
        for ending, write in FORMATS.items():
            write(table, directory / f"{name}{ending}")
            names.append(f"{name}{ending}")
    trips = tables["trips"] if "trips" in tables else tables["modelled_trips"]
    for name, table in zip(("locations.csv", "flows.csv"), flow_tables(trips), strict=True):
        write_csv(table, directory / name)
        names.append(name)
    return names


FORMATS = {".parquet": write_parquet, ".csv.gz": write_csv, ".geo.parquet": write_geoparquet}
