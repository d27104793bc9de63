"""How much of a service day was seen: due polls, coverage, gaps."""

import datetime as dt
import math
from collections.abc import Iterable
from itertools import pairwise

from tasks.gbfs.pace import MAX_TTL_SECONDS
from tasks.journal.record import Poll

GAP_INTERVALS = 1.5
"""Answered polls that were due further apart than this many poll intervals have a gap between."""

CATCH_UP_INTERVALS = 1.25
"""Unless they came within this many intervals all the same: a replay keeps its own schedule."""


def due_polls(start: dt.datetime, end: dt.datetime, poll_seconds: int) -> int:
    """How many polls are due in a service day: one at its start and one each interval after.

    Examples:
        >>> day = dt.datetime(2026, 5, 20, tzinfo=dt.UTC)
        >>> due_polls(day, day + dt.timedelta(hours=24), 60)
        1440
    """
    return math.ceil((end - start).total_seconds() / poll_seconds)


def latest_due(moment: dt.datetime, start: dt.datetime, poll_seconds: int) -> dt.datetime:
    """The last due time of a service day that is not after a moment."""
    interval = dt.timedelta(seconds=poll_seconds)
    return start + (moment - start) // interval * interval


def coverage(
    polls: Iterable[Poll], start: dt.datetime, end: dt.datetime, poll_seconds: int
) -> float:
    """Share of the service day's due polls that were answered, 0 to 1.

    Each due time counts once, however often it was tried. For a feed whose ttl is over the poll
    interval an answer counts until the next edition is due.
    """
    interval = dt.timedelta(seconds=poll_seconds)
    answered = set()
    for poll in polls:
        moment = poll.due_at if start <= poll.due_at < end else poll.fetched_at
        if poll.is_answered and start <= moment < end:
            slot = latest_due(moment, start, poll_seconds)
            last = min(moment + valid_for(poll, poll_seconds) - interval, end - interval)
            answered.add(slot)
            while slot + interval <= last:
                slot += interval
                answered.add(slot)
    return len(answered) / max(due_polls(start, end, poll_seconds), 1)


def valid_for(poll: Poll, poll_seconds: int) -> dt.timedelta:
    """How long after an answered poll the next one was due: the poll interval or a longer ttl."""
    ttl = min(poll.ttl or 0, MAX_TTL_SECONDS)
    return dt.timedelta(seconds=max(poll_seconds, ttl))


def is_gap(before: Poll, after: Poll, poll_seconds: int) -> bool:
    """Whether a gap lies between two answered polls of which one follows the other; see `gaps`."""
    valid = valid_for(before, poll_seconds)
    return _are_apart(before.due_at, before.fetched_at, after.due_at, after.fetched_at, valid)


def _are_apart(
    was_due: dt.datetime,
    before: dt.datetime,
    is_due: dt.datetime,
    after: dt.datetime,
    valid: dt.timedelta,
) -> bool:
    return is_due - was_due > GAP_INTERVALS * valid and after - before > CATCH_UP_INTERVALS * valid


def gaps(
    polls: Iterable[Poll], start: dt.datetime, end: dt.datetime, poll_seconds: int
) -> list[tuple[dt.datetime, dt.datetime]]:
    """The gaps of a service day, in order: intervals in which the feed was due and not seen.

    A gap lies between two consecutive answered polls, or between one and an edge of the day,
    between which a due poll has no answer: they were due more than `GAP_INTERVALS` poll intervals
    apart, and came more than `CATCH_UP_INTERVALS` apart. A late answer alone makes no gap. Where
    the feed's ttl is longer than the poll interval, it stands in its place.
    """
    interval = dt.timedelta(seconds=poll_seconds)
    seen = sorted(
        (poll.fetched_at, poll.due_at, valid_for(poll, poll_seconds))
        for poll in polls
        if poll.is_answered
    )
    edges = [(start, start, interval), *seen, (end, end, interval)]
    return [
        (before, after)
        for (before, was_due, valid), (after, is_due, _) in pairwise(edges)
        if _are_apart(was_due, before, is_due, after, valid)
    ]
