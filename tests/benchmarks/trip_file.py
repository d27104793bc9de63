"""A published table of trips as a table of ours: what is measured on, never what is chosen on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from infra.replay.trip_table import read_trips as read_table
from tasks.mobility.areas import area_of
from tasks.mobility.distance import haversine
from tasks.quality.rows import COORDINATES
from tasks.region import Box, load_region

METROS = Path(__file__).parents[2] / "deployments" / "tables" / "us-metros.yaml"


def metros() -> tuple[Box, ...]:
    """The service area of the region that the table of US scooters is played through."""
    return load_region(METROS).service_area


def read_trips(path: Path, areas: Sequence[Box]) -> pa.Table:
    """The rows whose ends lie in one service area; the others are dropped.

    Args:
        path: A CSV as the replay server plays it.
        areas: The service area.

    Returns:
        The columns of `tasks.schema.RELEASE`.

    Raises:
        ReplayError: If the file cannot be read, or for the first row that is wrong.
    """
    played = read_table(path)
    trips = trips_between(areas, played.hour, [*played.origin.T, *played.destination.T])
    return trips.filter(trips["area"].is_valid())


def trips_between(
    areas: Sequence[Box], hour: NDArray[np.int64], ends: Sequence[NDArray[np.float64]]
) -> pa.Table:
    """Trips of which only hours and ends are known.

    Args:
        areas: The service area.
        hour: Hour of the day, shape (n,).
        ends: The four columns of `COORDINATES`, degrees, shape (n,) each.

    Returns:
        The columns of `tasks.schema.RELEASE`; the area is null where no area holds both ends.
    """
    return pa.table(
        {
            "area": area_of(areas, (ends[0], ends[1]), (ends[2], ends[3])),
            "hour": hour.astype(np.int8),
            **dict(zip(COORDINATES, ends, strict=True)),
            "distance_m": haversine(*ends),
        }
    )
