"""The tables, declared once as data; every other description of them is derived from here."""

from tasks.schema.ends import ENDS
from tasks.schema.flows import FLOWS, LOCATIONS
from tasks.schema.intervals import ESTIMATED, GRIDS, INTERVALS
from tasks.schema.measurements import (
    COUNTED,
    COUNTED_OF_ENDS,
    MEASUREMENTS,
    MEASUREMENTS_OF_ENDS,
)
from tasks.schema.polls import POLLS
from tasks.schema.release import RELEASE
from tasks.schema.release_ends import MODELLED_TRIPS, RELEASE_ENDS, RELEASE_STARTS
from tasks.schema.sightings import SIGHTINGS, SIGHTINGS_OF_A_POLL
from tasks.schema.table import Column, Table
from tasks.schema.trips import TRIPS
from tasks.schema.vehicle_types import VEHICLE_TYPES

__all__ = [
    "COUNTED",
    "COUNTED_OF_ENDS",
    "ENDS",
    "ESTIMATED",
    "FLOWS",
    "GRIDS",
    "INTERVALS",
    "LOCATIONS",
    "MEASUREMENTS",
    "MEASUREMENTS_OF_ENDS",
    "MODELLED_TRIPS",
    "POLLS",
    "RELEASE",
    "RELEASE_ENDS",
    "RELEASE_STARTS",
    "SIGHTINGS",
    "SIGHTINGS_OF_A_POLL",
    "TRIPS",
    "VEHICLE_TYPES",
    "Column",
    "Table",
]
