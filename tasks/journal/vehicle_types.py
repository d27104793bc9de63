"""The vehicle types that a feed declared during a day: one small file in the day's folder."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.files import write_atomically
from tasks.schema import VEHICLE_TYPES

_NAME = "vehicle_types.parquet"
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
    merged = {row[_KEY]: row for table in (known, types) for row in table.to_pylist()}
    rows = [merged[key] for key in sorted(merged)]
    table = pa.Table.from_pylist(rows, schema=VEHICLE_TYPES.arrow())
    if not table.equals(known):
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        write_atomically(folder / _NAME, sink.getvalue().to_pybytes())


def read_vehicle_types(folder: Path) -> pa.Table:
    """The types of a day, sorted by id; none where none were stored or the file is damaged.

    Returns:
        Columns of `tasks.schema.VEHICLE_TYPES`.
    """
    try:
        return pq.read_table(folder / _NAME, schema=VEHICLE_TYPES.arrow())
    except (OSError, pa.ArrowException):  # they are fetched again, and no poll depends on them
        return VEHICLE_TYPES.arrow().empty_table()
