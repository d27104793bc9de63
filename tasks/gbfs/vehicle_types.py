"""A vehicle_types.json file to a table of types, record by record; names of models are not kept."""

from typing import Any

import pyarrow as pa

from tasks.gbfs.document import content
from tasks.gbfs.errors import TooLargeError, WrongShapeError
from tasks.gbfs.values import identifier
from tasks.schema import VEHICLE_TYPES

MAX_TYPES = 10_000
"""Most types of one feed; operators have one to a few dozen."""

_FACTS = ("form_factor", "propulsion_type")


def parse_vehicle_types(document: dict[str, Any]) -> pa.Table:
    """Read a decoded vehicle types file of GBFS 2.1 or later.

    A record without an id is left out, and so is the second of one id; a form factor or propulsion
    type that the standard does not know is null.

    Args:
        document: The decoded file.

    Returns:
        Columns of `tasks.schema.VEHICLE_TYPES`, sorted by id.

    Raises:
        TooLargeError: If it holds more than `MAX_TYPES` types.
        WrongShapeError: If it holds no list of types.

    Examples:
        >>> types = [{"vehicle_type_id": 7, "form_factor": "Moped", "name": "Fast Freddy"}]
        >>> parse_vehicle_types({"data": {"vehicle_types": types}}).to_pylist()
        [{'vehicle_type_id': '7', 'form_factor': 'moped', 'propulsion_type': None}]
    """
    records = content(document).get("vehicle_types")
    if not isinstance(records, list):
        raise WrongShapeError("the JSON holds no list of vehicle types (data.vehicle_types)")
    if len(records) > MAX_TYPES:
        raise TooLargeError("the body holds more vehicle types than any feed")
    types: dict[str, dict[str, str | None]] = {}
    for record in records:
        key = identifier(record.get("vehicle_type_id")) if isinstance(record, dict) else None
        if key is not None:
            types.setdefault(key, {fact: _known(fact, record.get(fact)) for fact in _FACTS})
    rows = [{"vehicle_type_id": key, **types[key]} for key in sorted(types)]
    return pa.Table.from_pylist(rows, schema=VEHICLE_TYPES.arrow())


def _known(fact: str, value: Any) -> str | None:
    """A value in the standard's spelling, if the standard knows it."""
    categories = VEHICLE_TYPES.column(fact).categories or ()
    word = value.strip().lower() if isinstance(value, str) else None
    return word if word in categories else None
