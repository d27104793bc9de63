"""What a backfill would do with each day of a region, and what that would cost."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from tasks import exchange
from tasks.files import Layout
from tasks.journal import collected_days
from tasks.ledger import account_of, charge_request, check_ledger, read_ledger
from tasks.region import Region
from tasks.region.service_day import day_bounds


@dataclass(frozen=True)
class Foresight:
    """What a backfill would do with a day.

    Attributes:
        region: Id of the region.
        day: The service day.
        would: `release` it, `resume` a release whose charge is made, `publish` from its stored
            model, or `skip` it.
        epsilon: What that would charge at most; 0 for all but `release`.
        reason: Why, for people.
    """

    region: str
    day: dt.date
    would: Literal["release", "resume", "publish", "skip"]
    epsilon: float
    reason: str


def foresee(region: Region, day: dt.date, now: dt.datetime) -> Foresight:
    """Look at what is published, stored, charged and collected of a day; nothing is changed.

    Args:
        region: The region.
        day: The service day.
        now: The present, UTC.

    Raises:
        LedgerError: If the ledger is older than what is published, or its database is down.
        StoreError: If a store cannot be read.
    """
    check_ledger(region)

    def skip(reason: str) -> Foresight:
        return Foresight(region.id, day, "skip", 0.0, reason)

    if exchange.has(exchange.release, region, day):
        return skip("published already")
    if day_bounds(day, region.zone)[1] > now:
        return skip("not over")
    if not is_collected(region, day):
        return skip("nothing collected")
    if exchange.has(exchange.model, region, day):
        return Foresight(region.id, day, "publish", 0.0, "from its stored model")
    if region.yields == "nothing":
        return Foresight(region.id, day, "release", 0.0, "nothing is released of its feeds")
    if _is_begun(region, day):
        return Foresight(region.id, day, "resume", 0.0, "charged, not finished")
    if not _is_affordable(region, day):
        return skip("beyond its cap: the day's budget is spent; `opentrips ledger` shows on what")
    refusal = exchange.refusal_of(region, day)
    reason = f"refused before: {refusal['reason']}" if refusal else "collected, not charged"
    return Foresight(region.id, day, "release", region.guarantee.epsilon, reason)


def is_collected(region: Region, day: dt.date) -> bool:
    """Whether a day is sealed, or has a journal on this machine.

    Raises:
        StoreError: If the store cannot be read.
    """
    layout = Layout.from_environment()
    journals = (layout.journal(region.id, feed.id) for feed in region.feeds)
    return exchange.has(exchange.sightings, region, day) or any(
        day in collected_days(journal) for journal in journals
    )


def _is_begun(region: Region, day: dt.date) -> bool:
    """Whether the region has a charge on the day that may lead to a model."""
    return any(
        charge.state != "burned"
        for charge in account_of(region)
        if charge.region == region.id and charge.service_day == day.isoformat()
    )


def _is_affordable(region: Region, day: dt.date) -> bool:
    """Whether the ledger would take a new charge."""
    request = charge_request(region, day, mechanism={}, fingerprint="", steps_allowed=1)
    with read_ledger() as ledger:
        return ledger is None or ledger.can_spend(request)
