"""The task that polls one feed for one shift."""

import datetime as dt
from typing import Any

from prefect import get_run_logger

from tasks.files import Layout, read_manifest
from tasks.journal import Journal, Patience, Shift, run_shift
from tasks.metrics import serve_metrics
from tasks.region import Region
from tasks.schema.polls import SEEN
from tasks.step import step

DISK_SECONDS = 3600.0
"""A shift pauses for so long while the disk is full; then it fails, and the next one tries."""

HOLDER_SECONDS = 60.0
"""A shift waits for so long for the one before it, which may still wait for its last answer."""


@step("poll-{feed_id}")
def poll_shift(
    region: Region, feed_id: str, day: dt.date, until: dt.datetime | None = None
) -> dict[str, Any]:
    """Poll a feed into its journal until a moment; into a sealed day nothing is collected.

    Args:
        region: The region.
        feed_id: Id of one of its feeds.
        day: The service day; the shift ends with it at the latest.
        until: End of the shift, on the feed's own clock if it has one. Default: end of the day.

    Returns:
        `polls`, `sightings`, `outcomes` (polls by outcome), `repeated`, `last_fetched_at`
        (ISO 8601 or None) and `ended`: whether there is nothing more to come.
    """
    logger = get_run_logger()
    if not serve_metrics():
        logger.warning("Another process has the port of the metrics; these are not served")
    layout = Layout.from_environment()
    feed = next(feed for feed in region.feeds if feed.id == feed_id)
    if read_manifest(layout.sightings(region.id, day)) is not None:
        logger.info("%s: %s is sealed already, nothing more is collected", feed.id, day)
        return Shift(ended=True).report()
    patience = Patience(
        disk_seconds=DISK_SECONDS,
        holder_seconds=HOLDER_SECONDS if feed.clock == "wall" else 0.0,
        warn=lambda line: logger.warning("%s: %s", feed.id, line),
    )
    if feed.clock == "wall":
        end = f"{until.astimezone(region.zone):%H:%M}" if until else "the end of the day"
        logger.info("%s: polling every %d seconds until %s", feed.id, feed.poll_seconds, end)
    directory = layout.journal(region.id, feed.id)
    with Journal(directory, region.id, feed.id, region.zone, patience) as journal:
        shift = run_shift(region, feed, journal, day, until, logger.warning)
    logger.info("%s: %s", feed.id, _summary(shift, region))
    return shift.report()


def _summary(shift: Shift, region: Region) -> str:
    failed = sum(n for outcome, n in shift.outcomes.items() if outcome not in (*SEEN, "ended"))
    parts = [f"{shift.polls} polls" + (f" ({failed} failed)" if failed else "")]
    parts.append(f"{shift.sightings:,} sightings")
    if shift.last_fetched_at is not None:
        parts.append(f"seen until {shift.last_fetched_at.astimezone(region.zone):%Y-%m-%d %H:%M}")
    if shift.ended:
        parts.append("the feed is over")
    return ", ".join(parts)
