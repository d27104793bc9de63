"""The Prefect task that shows staff how the feeds of a day named their vehicles."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from prefect.artifacts import create_table_artifact

from tasks.artifacts import artifact_key
from tasks.region import Region
from tasks.step import step


@step("show-id-regimes-{region.id}-{day}")
def show_id_regimes(
    region: Region, day: dt.date, found: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Make an artifact of the id regime of each feed, declared and measured.

    Args:
        region: The region.
        day: The service day.
        found: Of each feed what the manifest of the derived day says as `id_regime`.

    Returns:
        A row for each feed. Numbers of the real day are in it where they are public.
    """
    shows_numbers = region.guarantee.adjacency == "zero_out"
    rows = [
        {
            "feed": feed,
            "declared": facts["declared"],
            "measured": facts["measured"],
            "as declared": "no" if facts["differs"] else "yes",
            "shown while ridden": "yes" if facts["evidence"]["in_ride_visible"] else "no",
            "why": facts["evidence"]["sentence"] if shows_numbers else "in the private manifest",
        }
        for feed, facts in found.items()
    ]
    create_table_artifact(
        key=artifact_key("id-regime", region, day),
        table=rows,
        description=f"How the feeds of {region.name} named their vehicles, {day}",
    )
    return rows
