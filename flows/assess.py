"""Assess: how close a published day comes to its real trips, for staff only."""

import datetime as dt
from typing import Any

from prefect import flow

from tasks.assess import assess
from tasks.region import Region


@flow(name="assess", flow_run_name="assess-{region.id}", timeout_seconds=3600)
def assess_release(region: Region, day: dt.date | None = None) -> dict[str, Any]:
    """Make the quality report of a published day while its real trips are kept.

    It is internal: nothing in it decides what is published, or appears there.

    Args:
        region: The region, as in its file. What is changed here counts for this run only.
        day: A published service day. Default: the newest.

    Returns:
        `page`: path of the report's page; `day`: the day assessed; `score`: in words.

    Raises:
        OpentripsError: If the day is not published, or its trips are no longer kept.
    """
    return assess(region, day)
