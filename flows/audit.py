"""Audit: attack what was published, on a simulated twin of its day."""

import datetime as dt
from typing import Any

from prefect import flow

from tasks import OpentripsError
from tasks.attack import attack
from tasks.region import Region


@flow(name="audit", flow_run_name="audit-{region.id}", timeout_seconds=3 * 3600)
def audit(
    region: Region, day: dt.date | None = None, seeds: int = 3, quick: bool = False
) -> dict[str, Any]:
    """Try to refute a region's guarantee; reads its release, charges nothing.

    Args:
        region: The region, as in its file. What is changed here counts for this run only.
        day: A published service day. Default: the newest.
        seeds: How often the one-run audit is repeated.
        quick: Shorten training and try little, to see an audit run.

    Returns:
        `page`: path of the audit's page; `day`: the day audited.

    Raises:
        OpentripsError: If an attack found more than the guarantee allows; the page is written.
    """
    found = attack(region, day, seeds, quick)
    if found["violations"]:
        raise OpentripsError(
            f"region {region.id}, {found['day']}: the guarantee is refuted: "
            f"{'; '.join(found['violations'])}; publish nothing more, see {found['page']}"
        )
    return {"page": found["page"], "day": found["day"]}
