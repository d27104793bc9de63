"""Collect: poll every feed of a region into its journal, shift by shift."""

import datetime as dt
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from prefect import flow, runtime
from prefect.artifacts import create_table_artifact
from prefect.futures import PrefectFuture, wait

from tasks import OpentripsError
from tasks.artifacts import artifact_key
from tasks.poll import poll_shift
from tasks.region import Feed, Region
from tasks.region.service_day import day_bounds, next_shift_change, service_day_of

MINUTE = dt.timedelta(minutes=1)


@flow(name="collect", flow_run_name="collect-{region.id}")
def collect(
    region: Region,
    day: dt.date | None = None,
    shifts: int | None = 1,
    minutes: float | None = None,
) -> list[dict[str, Any]]:
    """Poll a region's feeds for a number of shifts of `shift_minutes` each.

    A shift that was cut off is simply run again: what was acknowledged is on disk. All feeds are
    polled by this one process, a thread for each. A feed that fails costs the others nothing: its
    report carries the error, and the next shift tries it again.

    Args:
        region: The region, as in its file. What is changed here counts for this run only.
        day: Service day to collect. Default: today; where the clock is the feed's, the day before
            the one in which the run was due, which a replay server plays every night.
        shifts: How many shifts at most; fewer if the day ends or every feed says it is over.
            None: as many as the day has, on the wall clock also after one that failed, since an
            outage passes. A replay waits until it is gone on with.
        minutes: Stop after so many minutes, in the middle of a shift if need be.

    Returns:
        One report per shift and feed: polls, sightings, outcomes; or the `error`.

    Raises:
        OpentripsError: If every feed of a shift failed; what the first one said. Where shifts go
            on after that, if every feed of all shifts failed, or of a first one at once: that is
            no outage but a mistake.
    """
    goes_on = shifts is None and region.clock == "wall"
    day = day or _default_day(region)
    reports: list[dict[str, Any]] = []
    has_failed = False
    for end in _shift_ends(region, day, shifts, minutes):
        futures = [poll_shift.submit(region, feed.id, day, end) for feed in region.feeds]
        wait(futures)
        shift = [_report(feed, future) for feed, future in zip(region.feeds, futures, strict=True)]
        reports += shift
        has_failed = all("error" in report for report in (reports if goes_on else shift))
        if (has_failed and not goes_on) or all(report.get("ended") for report in shift):
            break
        if all("error" in report for report in shift) and _is_long_until(end, region):
            if has_failed:
                break
            sleep_until(end)
    if has_failed:
        futures[0].result()  # raises
    create_table_artifact(
        key=artifact_key("collect", region),
        table=[{key: str(value) for key, value in report.items()} for report in reports],
        description=f"Shifts of {region.name}, service day {day}",
    )
    return reports


def _default_day(region: Region) -> dt.date:
    if region.clock == "wall":
        return service_day_of(dt.datetime.now(dt.UTC), region.zone)
    due = runtime.flow_run.scheduled_start_time
    return service_day_of(due, region.zone) - dt.timedelta(days=1)


def _report(feed: Feed, future: PrefectFuture[dict[str, Any]]) -> dict[str, Any]:
    """What a feed's shift did, or why it failed."""
    try:
        return {"feed": feed.id} | future.result()
    except OpentripsError as error:
        return {"feed": feed.id, "error": str(error)}


def _is_long_until(end: dt.datetime, region: Region) -> bool:
    """Whether a shift that is over could have polled again before its end."""
    slowest = dt.timedelta(seconds=max(feed.poll_seconds for feed in region.feeds))
    return end - dt.datetime.now(dt.UTC) > slowest + MINUTE


def sleep_until(moment: dt.datetime) -> None:
    """Wait for a moment on the wall clock."""
    time.sleep(max((moment - dt.datetime.now(dt.UTC)).total_seconds(), 0))


def _shift_ends(
    region: Region, day: dt.date, shifts: int | None, minutes: float | None
) -> Iterator[dt.datetime]:
    """When each shift ends: when the next is scheduled, the last one with the day or the minutes.

    A shift that begins in the last minute before a change goes on to the one after it.
    """
    end, last = day_bounds(day, region.zone)
    if region.clock == "wall":
        now = dt.datetime.now(dt.UTC)
        end = max(end, now + MINUTE)
        if minutes is not None:
            last = min(last, now + dt.timedelta(minutes=minutes))
    for _ in count() if shifts is None else range(shifts):
        end = min(next_shift_change(end, region.zone, region.shift_minutes), last)
        yield end
        if end >= last:
            return
