"""The durable day: polls and sightings are journalled as they come, then sealed for good."""

from tasks.journal.day import Entry, JournalDay, collected_days, read_day
from tasks.journal.errors import (
    JournalError,
    JournalHeldError,
    NothingCollectedError,
    UnseenFeedError,
)
from tasks.journal.journal import Journal
from tasks.journal.patience import Patience
from tasks.journal.record import Poll
from tasks.journal.retention import delete_raw, due, finish_deletions, raw_days
from tasks.journal.sealing import seal_day
from tasks.journal.shift import Shift, run_shift

__all__ = [
    "Entry",
    "Journal",
    "JournalDay",
    "JournalError",
    "JournalHeldError",
    "NothingCollectedError",
    "Patience",
    "Poll",
    "Shift",
    "UnseenFeedError",
    "collected_days",
    "delete_raw",
    "due",
    "finish_deletions",
    "raw_days",
    "read_day",
    "run_shift",
    "seal_day",
]
