"""The vehicle types that a feed declared during a day: one small file in the day's folder."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.files import write_atomically
from tasks.schema import VEHICLE_TYPES

VEHICLE_TYPES_FILE = "vehicle_types.parquet"
_KEY = "vehicle_type_id"


def add_vehicle_types(folder: Path, types: pa.Table) -> None:
    """Add types to those of a day; a type that was declared before gets its newest facts.

    Args:
        folder: The day's folder in the journal.
        types: Columns of `tasks.schema.VEHICLE_TYPES`.

    Raises:
        OSError: If the disk refuses.
    """
    known = read_vehicle_types(folder)
    tables = (types,) if known is None else (known, types)
    merged = {row[_KEY]: row for table in tables for row in table.to_pylist()}
    rows = [merged[key] for key in sorted(merged)]
    table = pa.Table.from_pylist(rows, schema=VEHICLE_TYPES.arrow())
    if known is None or not table.equals(known):
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        write_atomically(folder / VEHICLE_TYPES_FILE, sink.getvalue().to_pybytes())


def read_vehicle_types(folder: Path) -> pa.Table | None:
    """The types of a day, sorted by id; no rows where none were stored.

    Returns:
        Columns of `tasks.schema.VEHICLE_TYPES`; None if the file cannot be read: they are fetched
        again, and no poll depends on them.
    """
    try:
        return pq.read_table(folder / VEHICLE_TYPES_FILE, schema=VEHICLE_TYPES.arrow())
    except FileNotFoundError:
        return VEHICLE_TYPES.arrow().empty_table()
    except (OSError, pa.ArrowException):
        return None
