"""Refusals: the durable note that a public rule refuses a day, and why.

A refused day has no release to wait for, so its raw data are not kept for one.
"""

import datetime as dt

from tasks import exchange
from tasks.files import Layout, write_manifest
from tasks.region import Region


def note_refusal(region: Region, day: dt.date, reason: str) -> None:
    """Note that a day was refused now; the newest note of a day counts.

    Args:
        region: The region.
        day: The service day.
        reason: The public rule, one line.

    Raises:
        StoreError: If the store cannot be written.
    """
    directory = Layout.from_environment().refusal(region.id, day)
    directory.mkdir(parents=True, exist_ok=True)
    fields = {
        "region": region.id,
        "service_day": day.isoformat(),
        "refused_at": dt.datetime.now(dt.UTC).isoformat(timespec="microseconds"),
        "reason": reason,
    }
    write_manifest(directory, fields, [])
    exchange.keep(exchange.refusal, region, day)
