"""Reading a table of trips with vehicle ids and hours."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infra.replay.geometry import between_m
from infra.replay.source import ReplayError

MOVE_M = 100.0
"""Two consecutive sightings further apart than this are a move, metres."""

_LARGEST_DEGREES = 1000.0  # absurd coordinates are played, unless they cannot be written
_SMALLEST_TRIP_M = MOVE_M + 0.5  # leaves room for the rounding to microdegrees
_COLUMNS = "hour, vehicle id, source lat, source lon, destination lat, destination lon"


@dataclass(frozen=True)
class TripTable:
    """Trips in the order of the file.

    Attributes:
        hour: UTC hour of the day in which each trip ends, 0 to 23.
        vehicle: Vehicle ids.
        origin: Latitude and longitude in degrees, shape (trips, 2).
        destination: Latitude and longitude in degrees, shape (trips, 2).
    """

    hour: NDArray[np.int64]
    vehicle: tuple[str, ...]
    origin: NDArray[np.float64]
    destination: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.vehicle)

    @property
    def distance_m(self) -> NDArray[np.float64]:
        """Straight-line length of each trip, metres."""
        return between_m(self.origin, self.destination)


def read_trips(path: Path) -> TripTable:
    """Read a CSV file without header: hour, vehicle id, origin, destination.

    Args:
        path: The file; every row has six columns: UTC hour of the trip's end, vehicle id, source
            latitude, source longitude, destination latitude, destination longitude (degrees).

    Raises:
        ReplayError: If the file cannot be read, or for the first row that is wrong.
    """
    rows: list[tuple[int, str, tuple[float, ...]]] = []
    lines: list[int] = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            for fields in reader:
                if fields:
                    rows.append(_row(fields, f"{path}, line {reader.line_num}"))
                    lines.append(reader.line_num)
    except OSError as error:
        raise ReplayError(f"{path}: cannot read the trips: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReplayError(f"{path}: not a CSV file in UTF-8: {error}") from error
    if not rows:
        raise ReplayError(f"{path}: no trips in it; expected rows of {_COLUMNS}")
    hour, vehicle, coordinates = zip(*rows, strict=True)
    ends = np.array(coordinates, dtype=np.float64)
    table = TripTable(np.array(hour, dtype=np.int64), vehicle, ends[:, :2], ends[:, 2:])
    short = np.flatnonzero(table.distance_m < _SMALLEST_TRIP_M)
    if len(short):
        raise ReplayError(
            f"{path}, line {lines[short[0]]}: the ends are less than {_SMALLEST_TRIP_M} m apart, "
            "which is no move; remove the row"
        )
    return table


def _row(fields: list[str], where: str) -> tuple[int, str, tuple[float, ...]]:
    if len(fields) != 6:
        raise ReplayError(f"{where}: {len(fields)} columns; expected {_COLUMNS}")
    hour, vehicle = fields[0].strip(), fields[1].strip()
    if not (hour.isascii() and hour.isdigit() and int(hour) <= 23):
        raise ReplayError(f"{where}: the hour must be a whole number from 0 to 23")
    if not vehicle:
        raise ReplayError(f"{where}: the vehicle id is empty")
    try:
        coordinates = tuple(float(field) for field in fields[2:])
    except ValueError as error:
        raise ReplayError(f"{where}: a coordinate is not a number") from error
    if not all(abs(degrees) < _LARGEST_DEGREES for degrees in coordinates):  # refuses NaN, too
        raise ReplayError(f"{where}: a coordinate is not a number of degrees")
    return int(hour), vehicle, coordinates
