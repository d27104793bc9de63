"""Metrics of collecting, in the words of Prometheus.

They are private ground, as logs are, and hold no number of vehicles or of sightings: how many there
are in a poll is private, and a sum would tell it by its differences.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from tasks.journal.coverage import is_gap
from tasks.journal.record import Poll
from tasks.region import Feed, Region

REGISTRY = CollectorRegistry()
"""These metrics and no others."""

_OF_A_FEED = ("region", "feed")
_POLLS = Counter(
    "opentrips_polls",
    "Polls that were stored, by outcome.",
    (*_OF_A_FEED, "outcome"),
    registry=REGISTRY,
)
_LATENCY = Histogram(
    "opentrips_poll_latency_seconds",
    "Time from a poll's request to the end of its answer.",
    _OF_A_FEED,
    registry=REGISTRY,
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_GAPS = Counter(
    "opentrips_gaps",
    "Gaps within a service day that an answered poll has ended.",
    _OF_A_FEED,
    registry=REGISTRY,
)
_ANSWERED = Gauge(
    "opentrips_last_answer_timestamp_seconds",
    "When the last answered poll was fetched, on the feed's clock; Unix time.",
    _OF_A_FEED,
    registry=REGISTRY,
)


def note_poll(region: Region, feed: Feed, poll: Poll, answered_before: Poll | None) -> None:
    """Count a poll that was stored.

    Args:
        region: The region.
        feed: The feed.
        poll: The poll.
        answered_before: The last answered one of its service day before it.
    """
    _POLLS.labels(region.id, feed.id, poll.outcome).inc()
    _LATENCY.labels(region.id, feed.id).observe(poll.latency_ms / 1000)
    gaps = _GAPS.labels(region.id, feed.id)  # so that it is 0 before the first
    if poll.is_answered:
        _ANSWERED.labels(region.id, feed.id).set(poll.fetched_at.timestamp())
        if answered_before is not None and is_gap(answered_before, poll, feed.poll_seconds):
            gaps.inc()
