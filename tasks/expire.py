"""The Prefect task that deletes raw data whose time has come."""

import datetime as dt
from collections.abc import Iterable

from prefect import get_run_logger

from tasks import OpentripsError, exchange
from tasks.files import Layout
from tasks.files.manifest import MANIFEST
from tasks.journal.retention import WARNING_DAYS, delete_raw, due, finish_deletions, raw_days
from tasks.region import Region
from tasks.step import step


@step("expire-{region.id}")
def expire(region: Region, needed: dt.date, now: dt.datetime | None = None) -> list[dt.date]:
    """Delete the raw data of a region's days whose time has come, here and in the private store.

    Raw are journals, sealed sightings and what was derived of them. See
    `tasks.journal.retention.due` for the time. A day that was neither released nor refused is
    warned of before. What cannot be deleted is warned of too, and stops nothing.

    Args:
        region: The region.
        needed: The service day that is worked on now; it and the day before are left alone.
        now: The present, UTC. Default: now.

    Returns:
        The days that were deleted.
    """
    log, now = get_run_logger(), now or dt.datetime.now(dt.UTC)
    layout = Layout.from_environment()
    deleted: list[dt.date] = []
    try:
        finish_deletions(region, layout)
        raw = raw_days(region, layout)
        for day, stored_at in exchange.stored_raw_days(region).items():
            raw[day] = max(stored_at, raw.get(day, stored_at))
        settled = _settled(region, raw, layout)
        for day in sorted(raw.keys() - {needed, needed - dt.timedelta(days=1)}):
            end = due(region, day, raw, settled)
            if now >= end:
                delete_raw(region, layout, day)
                exchange.remove_raw(region, day)
                deleted.append(day)
                log.info("%s: the raw data of %s are deleted", region.id, day)
            elif day not in settled and now >= end - dt.timedelta(days=WARNING_DAYS):
                log.warning(
                    "%s: %s was neither released nor refused; its raw data are deleted on %s",
                    region.id,
                    day,
                    end.date(),
                )
    except (OpentripsError, OSError) as error:
        log.warning("%s: raw data are kept for longer than asked: %s", region.id, error)
    return deleted


def _settled(region: Region, days: Iterable[dt.date], layout: Layout) -> dict[dt.date, dt.datetime]:
    """When each day was released or refused, the later of both; days that were not are left out."""
    published = exchange.published(layout)
    found = {}
    for day in days:
        moments = [
            dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
            for folder in published
            if (path := folder / region.id / day.isoformat() / "r1" / MANIFEST).exists()
        ]
        if (refusal := exchange.refusal_of(region, day)) is not None:
            moments.append(dt.datetime.fromisoformat(refusal["refused_at"]))
        if moments:
            found[day] = max(moments)
    return found
