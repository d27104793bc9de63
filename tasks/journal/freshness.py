"""What a feed's own clock says: its skew against ours, and whether the feed is frozen."""

import datetime as dt
import statistics
from collections.abc import Iterable, Iterator, Sequence

from tasks.journal.record import Poll

STALE_POLLS = 30
"""A feed whose `last_updated` stays the same for so many answered polls is stale."""


def skew_seconds(polls: Iterable[Poll]) -> float | None:
    """How far `last_updated` is behind our clock, in seconds: the median over all new ones.

    Half of it may be the age of the data; hours are a wrong clock or a wrong time zone. A feed
    that does not say when it was updated has None.

    Examples:
        >>> at = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)
        >>> late = at + dt.timedelta(hours=2)
        >>> skew_seconds([Poll("feed", at, at, "ok", last_updated=late)])
        -7200.0
    """
    lags = [
        (run[0].fetched_at - run[0].last_updated).total_seconds()
        for run in _runs(polls)
        if run[0].last_updated is not None
    ]
    return statistics.median(lags) if lags else None


def stale(polls: Iterable[Poll]) -> list[tuple[dt.datetime, dt.datetime]]:
    """When the feed was frozen: first and last poll of each run with one `last_updated`.

    A poll without news (`not_modified`) goes on with the run before it.
    """
    return [
        (run[0].fetched_at, run[-1].fetched_at) for run in _runs(polls) if len(run) >= STALE_POLLS
    ]


def _runs(polls: Iterable[Poll]) -> Iterator[Sequence[Poll]]:
    """Consecutive answered polls that say the same `last_updated`."""
    run: list[Poll] = []
    for poll in polls:
        if not poll.is_answered:
            continue
        is_news = poll.outcome != "not_modified"
        if (
            run
            and is_news
            and (poll.last_updated is None or poll.last_updated != run[0].last_updated)
        ):
            yield run
            run = []
        run.append(poll)
    if run:
        yield run
