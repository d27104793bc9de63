"""Revise: another revision of a published day, from its stored model."""

import datetime as dt
from pathlib import Path
from typing import Any

from prefect import flow

from tasks import OpentripsError
from tasks.catalogue import catalogue
from tasks.check import check_release
from tasks.files import read_manifest
from tasks.generate import generate
from tasks.region import Region
from tasks.revise import revise as publish_revision


@flow(name="revise", flow_run_name="revise-{region.id}-{day}")
def revise(region: Region, day: dt.date, reason: str, resample: bool = False) -> dict[str, Any]:
    """Publish the next revision of a day; nothing private is read, nothing is charged.

    Args:
        region: The region, as in its file. What is changed here counts for this run only.
        day: A published service day.
        reason: Why; it is published.
        resample: Draw other rows from the stored model. Otherwise the rows stay, and the files
            around them are made anew.

    Returns:
        The public manifest and the path of the page.

    Raises:
        OpentripsError: If the day is not published, its model is gone, or another was faster.
    """
    if resample:
        generate(region, day, afresh=True)
        check_release(region, day)
    revised = publish_revision(region, day, reason, resample)
    if read_manifest(Path(revised["page"]).parent) != revised["manifest"]:
        raise OpentripsError(
            f"{region.id} {day}: another machine published r{revised['manifest']['revision']} at "
            "the same time, and theirs stands; look at it, and revise again"
        )
    catalogue()
    return revised
