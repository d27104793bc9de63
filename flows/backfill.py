"""Backfill: release a range of days of some regions, whatever becomes of each of them."""

import datetime as dt
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from prefect import flow
from prefect.states import Completed, Failed
from pydantic import Field

from flows.release import release
from tasks import OpentripsError
from tasks.await_release import await_release
from tasks.deploy import deployed_regions
from tasks.foresee import Foresight, foresee
from tasks.region import Region, load_regions
from tasks.region.service_day import days_between
from tasks.tabulate import DayRow, failed_row, foreseen_row, settled_row, summary, tabulate

Releases = Literal["by their deployments", "here"]


@flow(name="backfill", flow_run_name="backfill-{first}-{last}")
def backfill(
    first: dt.date,
    last: dt.date,
    regions: tuple[str, ...] = (),
    dry_run: bool = False,
    parallel: Annotated[int, Field(ge=1, le=16)] = 2,
    releases: Releases = "by their deployments",
) -> list[dict[str, Any]]:
    """Release the days of a range that are not published; what was begun goes on.

    Days of one region follow each other, since each goes on from what the days before measured;
    regions go side by side. A day that fails stops no other. Run it again and it goes on. Budget is
    spent once a day: a day that is trained is published from its stored model, and one whose budget
    is spent otherwise is reported and not run.

    Args:
        first: First service day.
        last: Last service day, included.
        regions: Ids of deployed regions; where days are released by this run, files and folders of
            regions. None: all that are deployed.
        dry_run: Only say what would be done with each day, and what that would charge at most.
        parallel: How many regions are worked on at a time, 1 to 16.
        releases: Whether each day is a run of the deployment `release` of its region, or is
            released by this run.

    Returns:
        A row for each region and day, see `tasks.tabulate.DayRow`. The run has failed if a day has.

    Raises:
        OpentripsError: If a region is unknown, or the last day is before the first.
    """
    days = days_between(first, last)
    if releases == "here" and regions:
        chosen = load_regions([Path(name) for name in regions])
    else:
        chosen = deployed_regions(regions)
    rows = _rows(chosen, days, dry_run, parallel, releases)
    table = tabulate(rows, f"Backfill of {first} to {last}" + (", dry run" if dry_run else ""))
    state = Failed if any(row.outcome == "failed" for row in rows) else Completed
    # Prefect takes it for the run's state and gives its data to the caller.
    return cast(list[dict[str, Any]], state(message=summary(rows), data=table))


def _rows(
    regions: Sequence[Region],
    days: Sequence[dt.date],
    dry_run: bool,
    parallel: int,
    releases: Releases,
) -> list[DayRow]:
    """The days of each region one after the other, so many regions at a time."""
    stopped = threading.Event()

    def of_region(region: Region) -> list[DayRow]:
        rows = []
        for day in days:
            if stopped.is_set():
                break
            rows.append(_row(region, day, dry_run, releases))
        return rows

    with ThreadPoolExecutor(parallel) as pool:
        lanes = [pool.submit(copy_context().run, of_region, region) for region in regions]
        try:
            return [row for lane in lanes for row in lane.result()]
        finally:
            stopped.set()  # whoever stops this run does not wait for all days


def _row(region: Region, day: dt.date, dry_run: bool, releases: Releases) -> DayRow:
    """What becomes of a day, or would."""
    try:
        foreseen = foresee(region, day, dt.datetime.now(dt.UTC))
        if dry_run or foreseen.would == "skip":
            return foreseen_row(region, foreseen)
        return _released(region, foreseen, releases)
    except OpentripsError as error:
        return failed_row(region, day, error)


def _released(region: Region, foreseen: Foresight, releases: Releases) -> DayRow:
    since = dt.datetime.now(dt.UTC)
    if releases == "here":
        state: Any = release(region, foreseen.day, return_state=True)
    else:
        state = await_release(region, foreseen.day, return_state=True)
    error = None if state.is_completed() else state.result(raise_on_failure=False)
    return settled_row(region, foreseen, error, since)
