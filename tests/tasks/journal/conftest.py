"""Polls and sightings made by hand."""

import datetime as dt

import pyarrow as pa

from tasks.journal import Poll
from tasks.schema import SIGHTINGS_OF_A_POLL
from tests.tasks.conftest import START


def sightings(ids: list[str], poll: int = 0) -> pa.RecordBatch:
    """Sightings of some vehicles, which move a little from poll to poll."""
    rows = [
        {
            "vehicle_id": vehicle,
            "latitude_e6": 38_000_000 + 100 * poll + index,
            "longitude_e6": -85_000_000 - index,
            "is_reserved": None if index % 3 == 0 else index % 3 == 1,
            "is_disabled": False,
            "vehicle_type_id": None if index % 2 else f"type-{index % 4}",
            "current_range_meters": None if index % 5 == 0 else 100 * poll,
        }
        for index, vehicle in enumerate(ids)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SIGHTINGS_OF_A_POLL)


def poll(minute: float, vehicles: int = 0, outcome: str = "ok", **more: object) -> Poll:
    """A poll so many minutes after the day's start."""
    at = START + dt.timedelta(minutes=minute)
    fields = {"status": 200, "latency_ms": 12, "bytes": 345, "last_updated": at} | more
    return Poll("feed", at, at, outcome, vehicles=vehicles, **fields)  # type: ignore[arg-type]
