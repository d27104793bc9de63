"""Feeds to sightings: fetch a GBFS feed of any version, keep only what the schema names."""

from tasks.gbfs.client import Answer, Client, Limits, Validators
from tasks.gbfs.discover import vehicle_status_url
from tasks.gbfs.errors import (
    BodyError,
    FeedError,
    NotJsonError,
    SparedError,
    TooLargeError,
    WrongShapeError,
)
from tasks.gbfs.manners import Manners
from tasks.gbfs.parse import REASONS, Parsed, parse
from tasks.gbfs.reader import FeedReader, Reading
from tasks.gbfs.vehicle_types import parse_vehicle_types

__all__ = [
    "REASONS",
    "Answer",
    "BodyError",
    "Client",
    "FeedError",
    "FeedReader",
    "Limits",
    "Manners",
    "NotJsonError",
    "Parsed",
    "Reading",
    "SparedError",
    "TooLargeError",
    "Validators",
    "WrongShapeError",
    "parse",
    "parse_vehicle_types",
    "vehicle_status_url",
]
