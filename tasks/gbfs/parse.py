"""A vehicle status body to sightings, record by record; nothing is kept that the schema lacks."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.gbfs.document import content, decode
from tasks.gbfs.errors import WrongShapeError
from tasks.gbfs.values import flags, identifiers, instant, number, numbers
from tasks.region import Box
from tasks.schema import SIGHTINGS, SIGHTINGS_OF_A_POLL

REASONS = {
    "not_an_object": "The record is no JSON object.",
    "missing_id": "The record has no vehicle id.",
    "bad_id": "The id is no text or whole number, too long, or damaged.",
    "missing_position": "Latitude or longitude is absent or null.",
    "docked_without_position": "The vehicle stands at a station and says no position of its own.",
    "bad_position": "Latitude or longitude is no number.",
    "out_of_range": "The position is not on Earth.",
    "null_island": "The position is (0, 0), the mark of an unset one.",
    "swapped_position": "Latitude and longitude are exchanged: only the other way round do they "
    "lie near the service area.",
    "duplicate_id": "An earlier record of the same poll has this id.",
}
"""Why a record is set aside, each with a sentence for people."""

FAR_DEGREES = 1.0
"""How far from a box of the service area a position may lie, in degrees of latitude or longitude,
to be called near it; a public constant.

A position further away is kept, and its moves end outside the service area. Set aside, it would
join the sightings before and after it into a move that the vehicle never made.
"""

_LISTS = (("vehicles", "vehicle_id", "bike_id"), ("bikes", "bike_id", "vehicle_id"))
_VERSION = re.compile(r"\d{1,2}(\.\d{1,3}){0,2}(-[A-Za-z]{1,8}\.?\d{0,3})?", re.ASCII)
_MICRODEGREES = 1_000_000


@dataclass(frozen=True)
class Parsed:
    """What one vehicle status body says.

    Attributes:
        version: The `version` field as a hint, never trusted to decide the layout.
        last_updated: When the feed says it was last updated, UTC.
        ttl: Seconds for which the feed says the body stays valid.
        received: Records in the body; always the kept plus the quarantined ones.
        sightings: The kept records, columns of `tasks.schema.SIGHTINGS_OF_A_POLL`, feed's order.
        quarantined: Number of records set aside, by a key of `REASONS`.
    """

    version: str | None
    last_updated: dt.datetime | None
    ttl: int | None
    received: int
    sightings: pa.RecordBatch
    quarantined: Counter[str]


def parse(body: bytes, area: Sequence[Box] = ()) -> Parsed:
    """Read a vehicle status body of any GBFS version; its layout is told from its shape.

    One bad record never costs the others. Positions are rounded to microdegrees (0.1 m).

    Args:
        body: The decoded body (not compressed).
        area: The service area; positions far from it are set aside. Default: the whole Earth.

    Raises:
        NotJsonError: If it is no JSON.
        TooLargeError: If it holds more values than any feed.
        WrongShapeError: If it holds no list of vehicles.

    Examples:
        >>> body = b'{"data": {"bikes": [{"bike_id": "a", "lat": "45.5", "lon": 9}, {"lat": 1}]}}'
        >>> parsed = parse(body)
        >>> parsed.sightings.column("latitude_e6").to_pylist(), dict(parsed.quarantined)
        ([45500000], {'missing_id': 1})
    """
    return parse_document(decode(body), area)


def holds_vehicles(document: dict[str, Any]) -> bool:
    """Whether a decoded body has the shape of a vehicle status file."""
    return _find_list(content(document)) is not None


def parse_document(document: dict[str, Any], area: Sequence[Box] = ()) -> Parsed:
    """Like `parse`, from a body that was decoded before.

    Raises:
        WrongShapeError: If it holds no list of vehicles.
    """
    found = _find_list(content(document))
    if found is None:
        raise WrongShapeError("the JSON holds no list of vehicles (data.vehicles or data.bikes)")
    records, id_key, other_id_key = found
    received = len(records)
    quarantined: Counter[str] = Counter()
    if set(map(type, records)) - {dict}:
        records = [record for record in records if type(record) is dict]
        quarantined["not_an_object"] = received - len(records)
    sightings = _sightings(records, id_key, other_id_key, area, quarantined)
    ttl = number(document.get("ttl"))
    version = document.get("version")
    return Parsed(
        version=version if isinstance(version, str) and _VERSION.fullmatch(version) else None,
        last_updated=instant(document.get("last_updated")),
        ttl=int(ttl) if ttl is not None and 0 <= ttl < 1e9 else None,
        received=received,
        sightings=sightings,
        quarantined=+quarantined,
    )


def _find_list(data: dict[str, Any]) -> tuple[list[Any], str, str] | None:
    found = [
        (data[name], id_key, other)
        for name, id_key, other in _LISTS
        if type(data.get(name)) is list
    ]
    # of two lists the first that says something
    return next((entry for entry in found if entry[0]), found[0] if found else None)


def _sightings(
    records: Sequence[dict[str, Any]],
    id_key: str,
    other_id_key: str,
    area: Sequence[Box],
    quarantined: Counter[str],
) -> pa.RecordBatch:
    ids = identifiers(
        [
            record.get(other_id_key) if (value := record.get(id_key)) is None else value
            for record in records
        ]
    )
    latitude = numbers([record.get("lat") for record in records])
    longitude = numbers([record.get("lon") for record in records])
    good = _has_position(latitude, longitude)
    if None in ids:
        good &= np.array([value is not None for value in ids], dtype=bool)
    near = _is_near(latitude, longitude, area)
    swapped = ~near & _is_near(longitude, latitude, area)
    for index in np.flatnonzero(~good):
        reason = _reason(records[index], id_key, other_id_key, ids[index])
        is_swapped = reason == "out_of_range" and swapped[index]
        quarantined["swapped_position" if is_swapped else reason] += 1
    quarantined["swapped_position"] += int((good & swapped).sum())
    good &= ~swapped
    kept = _without_duplicates(ids, np.flatnonzero(good))
    quarantined["duplicate_id"] = int(good.sum()) - len(kept)
    if len(kept) < len(records):
        records = [records[index] for index in kept]
        ids = [ids[index] for index in kept]
        latitude, longitude = latitude[kept], longitude[kept]
    columns = {
        "vehicle_id": pa.array(ids, pa.string()),
        "latitude_e6": pa.array(_microdegrees(latitude)),
        "longitude_e6": pa.array(_microdegrees(longitude)),
        "is_reserved": pa.array(
            flags([record.get("is_reserved") for record in records]), pa.bool_()
        ),
        "is_disabled": pa.array(
            flags([record.get("is_disabled") for record in records]), pa.bool_()
        ),
        "vehicle_type_id": pa.array(
            identifiers([record.get("vehicle_type_id") for record in records]), pa.string()
        ),
        "current_range_meters": _ranges(
            numbers([record.get("current_range_meters") for record in records])
        ),
    }
    return pa.RecordBatch.from_arrays(
        [columns[name] for name in SIGHTINGS_OF_A_POLL.names], schema=SIGHTINGS_OF_A_POLL
    )


def _has_position(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> NDArray[np.bool_]:
    # comparisons with NaN are false, so a value that is no number fails here too
    on_earth = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)
    unset = (np.abs(latitude) < 0.5 / _MICRODEGREES) & (np.abs(longitude) < 0.5 / _MICRODEGREES)
    return on_earth & ~unset


def _is_near(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], area: Sequence[Box]
) -> NDArray[np.bool_]:
    """Whether positions lie in the service area or at most `FAR_DEGREES` outside it."""
    near = np.full(len(latitude), not area)
    for box in area:
        # east of the western edge, by 0 to 360 degrees: the area may reach over the antimeridian
        with np.errstate(invalid="ignore"):
            eastward = np.mod(longitude - (box.west - FAR_DEGREES), 360)
        near |= (
            (latitude >= box.south - FAR_DEGREES)
            & (latitude <= box.north + FAR_DEGREES)
            & (eastward <= box.east - box.west + 2 * FAR_DEGREES)
        )
    return near


def _reason(record: dict[str, Any], id_key: str, other_id_key: str, vehicle_id: str | None) -> str:
    """Why a record without id or position is set aside: the first reason that holds."""
    if vehicle_id is None:
        given = (record.get(id_key), record.get(other_id_key))
        return "missing_id" if all(value in (None, "") for value in given) else "bad_id"
    position = record.get("lat"), record.get("lon")
    if None in position:
        docked = record.get("station_id") not in (None, "")
        return "docked_without_position" if docked else "missing_position"
    latitude, longitude = (number(value) for value in position)
    if latitude is None or longitude is None:
        return "bad_position"
    return "out_of_range" if abs(latitude) > 90 or abs(longitude) > 180 else "null_island"


def _without_duplicates(
    ids: Sequence[str | None], candidates: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Of the candidate records, the first with each id."""
    if len({ids[index] for index in candidates}) == len(candidates):
        return candidates
    first: dict[str | None, int] = {}
    for index in candidates.tolist():
        first.setdefault(ids[index], index)
    return np.fromiter(first.values(), dtype=np.intp, count=len(first))


def _microdegrees(degrees: NDArray[np.float64]) -> NDArray[np.int32]:
    rounded: NDArray[np.int32] = np.rint(degrees * _MICRODEGREES).astype(np.int32)
    return rounded


def _ranges(metres: NDArray[np.float64]) -> pa.Array:
    column = SIGHTINGS.column("current_range_meters")
    assert column.minimum is not None
    assert column.maximum is not None
    known = (metres >= column.minimum) & (metres <= column.maximum)
    return pa.array(np.rint(np.where(known, metres, 0)).astype(np.int32), mask=~known)
