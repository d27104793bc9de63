"""Feeds to sightings: fetch a GBFS feed of any version, keep only what the schema names."""

from tasks.gbfs.client import Answer, Client, Limits, Validators
from tasks.gbfs.discover import vehicle_status_url
from tasks.gbfs.errors import BodyError, FeedError, NotJsonError, TooLargeError, WrongShapeError
from tasks.gbfs.parse import REASONS, Parsed, parse
from tasks.gbfs.reader import FeedReader, Reading

__all__ = [
    "REASONS",
    "Answer",
    "BodyError",
    "Client",
    "FeedError",
    "FeedReader",
    "Limits",
    "NotJsonError",
    "Parsed",
    "Reading",
    "TooLargeError",
    "Validators",
    "WrongShapeError",
    "parse",
    "vehicle_status_url",
]
