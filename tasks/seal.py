"""The task that seals a service day."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_table_artifact

from tasks import exchange
from tasks.artifacts import artifact_key
from tasks.files import Layout
from tasks.journal import seal_day
from tasks.region import Region
from tasks.step import step

_GAPS_SHOWN = 10


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
    _show_coverage(region, day, manifest)
    return manifest


def _show_coverage(region: Region, day: dt.date, manifest: Mapping[str, Any]) -> None:
    """Make an artifact of what was seen of each feed, and when it was not; all of it is public."""
    rows = [
        {
            "feed": feed,
            "coverage": f"{100 * facts['coverage']:.1f} %",
            "due polls": facts["due"],
            "polls": ", ".join(f"{count} {name}" for name, count in facts["outcomes"].items()),
            "gaps": len(facts["gaps"]),
            "longest, minutes": round(facts["longest_gap_seconds"] / 60, 1),
            "from to": _said(facts["gaps"], region),
        }
        for feed, facts in manifest["feeds"].items()
    ]
    create_table_artifact(
        key=artifact_key("coverage", region, day),
        table=rows,
        description=f"What was seen of the feeds of {region.name}, {day}; local time",
    )


def _said(gaps: Sequence[Sequence[str]], region: Region) -> str:
    """The first gaps of a day, on its own clock."""
    moments = [
        [dt.datetime.fromisoformat(end).astimezone(region.zone) for end in gap] for gap in gaps
    ]
    said = [f"{before:%H:%M} to {after:%H:%M}" for before, after in moments[:_GAPS_SHOWN]]
    return ", ".join(said + ["..."] * (len(gaps) > _GAPS_SHOWN))
