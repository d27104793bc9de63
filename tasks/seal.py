"""The task that seals a service day."""

import datetime as dt
from typing import Any

from prefect import get_run_logger

from tasks import exchange
from tasks.files import Layout
from tasks.journal import seal_day
from tasks.region import Region
from tasks.step import step


@step("seal-{region.id}-{day}", reads=[exchange.sightings], writes=exchange.sightings)
def seal(region: Region, day: dt.date) -> dict[str, Any]:
    """Seal what was collected of a service day; a sealed day is verified and stays as it is.

    Returns:
        The manifest of the sealed day.
    """
    logger = get_run_logger()
    layout = Layout.from_environment()
    manifest = seal_day(region, day, layout)
    for feed, facts in manifest["feeds"].items():
        logger.info(
            "%s: %s sealed, %s sightings of %s vehicles, %.1f %% of %d due polls answered",
            feed,
            day,
            f"{facts['rows']:,}",
            f"{facts['vehicles']:,}",
            100 * facts["coverage"],
            facts["due"],
        )
        if facts["damaged"]:
            logger.warning(
                "%s: part of the journal of %s cannot be read: %s",
                feed,
                day,
                ", ".join(facts["damaged"]),
            )
    return manifest
