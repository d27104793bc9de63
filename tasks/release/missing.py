"""What of the day is missing and why, in sentences: the polls that failed, and the gaps."""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from tasks.release.manifest import ANSWERED, FeedCapture, PublicManifest
from tasks.release.numbers import duration, percent

_SPOKEN_GAPS = 3
"""Gaps of a feed that are told one by one; of more only the longest."""

_WHY = {
    "unreachable": "did not reach the feed's server",
    "timeout": "got no whole answer in time",
    "http_error": "got an error from the feed's server",
    "too_large": "got an answer too large to be a feed",
    "bad_encoding": "got an answer that could not be decoded",
    "not_json": "got an answer that is no JSON",
    "wrong_shape": "got an answer that is no list of vehicles",
    "ended": "heard that the feed is over",
}
"""What happened to a poll of each outcome, as in "3 polls ...". """


def missing(manifest: PublicManifest) -> Sequence[str]:
    """What is missing of the day, feed by feed, and what that does to the rows."""
    zone = ZoneInfo(manifest.region.time_zone)
    feeds = manifest.capture.feeds
    told = [sentence for feed in feeds for sentence in _of_feed(feed, zone)]
    if any(feed.gaps for feed in feeds):
        told.append(
            "In a gap nobody knows where vehicles stood. What began or ended in it may be missing, "
            "or show in the hour after it; the hours beside a gap are no sign of a quiet city."
        )
    return tuple(told)


def _of_feed(feed: FeedCapture, zone: ZoneInfo) -> Sequence[str]:
    answered = (
        f"Feed {feed.id} was due {feed.due:,} times, once every {feed.poll_seconds} s, and "
        f"{percent(feed.coverage)} of that was answered."
    )
    failed = [
        f"{count:,} {'poll' if count == 1 else 'polls'} {_WHY[outcome]}"
        for outcome, count in feed.outcomes.items()
        if outcome != ANSWERED
    ]
    why = [f"{_listed(failed)}." if failed else "No poll failed."]
    return (" ".join([answered, *why, _gaps(feed, zone)]),)


def _gaps(feed: FeedCapture, zone: ZoneInfo) -> str:
    if not feed.gaps:
        return "There is no gap."
    longest = duration(feed.longest_gap_seconds)
    if len(feed.gaps) > _SPOKEN_GAPS:
        return f"There are {len(feed.gaps)} gaps, the longest of {longest}."
    spoken = [
        f"from {_clock(first, zone)} to {_clock(last, zone)}"
        f" ({duration((last - first).total_seconds())})"
        for first, last in feed.gaps
    ]
    return f"It was not seen {_listed(spoken)}."


def _clock(moment: dt.datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H:%M}"


def _listed(parts: Sequence[str]) -> str:
    """Parts as people list them.

    Examples:
        >>> _listed(["a"]), _listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
