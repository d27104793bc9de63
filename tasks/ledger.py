"""The Prefect task `show_account`, and the one way to the ledger that the other tasks take."""

import datetime as dt
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from prefect.artifacts import create_table_artifact

from tasks import exchange
from tasks.artifacts import artifact_key
from tasks.files import Layout
from tasks.privacy.errors import NoLedgerError
from tasks.privacy.ledger import Charge, ChargeRequest, Ledger
from tasks.privacy.published import PublishedCharge, refuse_if_older
from tasks.region import Region
from tasks.region.service_day import day_bounds
from tasks.release.charges import published_charges
from tasks.step import step
from tasks.tables import RowGuarantee

SETTING = "OPENTRIPS_LEDGER"
"""Environment variable with the URL of a PostgreSQL database, instead of the SQLite file."""


def open_ledger(layout: Layout, region: Region) -> Ledger:
    """Open the ledger to charge it, unless it is older than what is published.

    Args:
        layout: Where data lie.
        region: The region that will be charged.

    Raises:
        LedgerError: If the database is down, or lacks a charge that a published release of the
            region or of its sources names.
        FileError: If a published manifest cannot be read.
    """
    return _open(layout, region.id, _sources(region))


def open_table_ledger(layout: Layout, guarantee: RowGuarantee) -> Ledger:
    """Open the ledger to charge a table's source, unless it is older than what is published of it.

    Args:
        layout: Where data lie.
        guarantee: The guarantee of the table, which names the source.

    Raises:
        LedgerError: If the database is down, or lacks a charge that a published release names.
        FileError: If a published manifest cannot be read.
    """
    return _open(layout, "", {guarantee.source})


def _open(layout: Layout, region: str, sources: set[str]) -> Ledger:
    published = _published(layout, region, sources)
    ledger = Ledger(_place(layout), must_exist=bool(published))
    try:
        refuse_if_older(ledger.label, ledger.charges(), published)
    except BaseException:
        ledger.close()
        raise
    return ledger


@contextmanager
def read_ledger() -> Iterator[Ledger | None]:
    """The ledger to look at, or None where nothing was ever charged; none is begun.

    Raises:
        LedgerError: If the database is down.
    """
    with ExitStack() as stack:
        ledger = None
        with suppress(NoLedgerError):
            place = _place(Layout.from_environment())
            ledger = stack.enter_context(Ledger(place, must_exist=True))
        yield ledger


def charge_request(
    region: Region,
    day: dt.date,
    *,
    mechanism: Mapping[str, Any],
    fingerprint: str,
    steps_allowed: int,
) -> ChargeRequest:
    """What the ledger is asked for to train a day of a region under its guarantee.

    Args:
        region: The region; every one of its feeds' sources is charged.
        day: The service day; its interval is charged.
        mechanism: Description of the mechanism, JSON values.
        fingerprint: Idempotency key of the training.
        steps_allowed: Most steps that may ever be started under the charge.
    """
    start, end = day_bounds(day, region.zone)
    guarantee = region.guarantee
    return ChargeRequest(
        sources=[feed.account for feed in region.feeds],
        start=start,
        end=end,
        region=region.id,
        service_day=day,
        mechanism=mechanism,
        epsilon=guarantee.epsilon,
        delta=guarantee.delta,
        cap_epsilon=guarantee.epsilon,
        cap_delta=guarantee.delta,
        fingerprint=fingerprint,
        steps_allowed=steps_allowed,
        unit=guarantee.unit,
        adjacency=guarantee.adjacency,
    )


def table_charge_request(
    name: str,
    guarantee: RowGuarantee,
    *,
    mechanism: Mapping[str, Any],
    fingerprint: str,
    steps_allowed: int,
) -> ChargeRequest:
    """What the ledger is asked for to train on a table under its guarantee.

    The ledger books a row as it books a trip: one record, replaced by a null record. So the rows
    of a table and the trips of a region may share an account, where they are of one source.

    Args:
        name: The synthesis' name.
        guarantee: Its guarantee; the whole period of its source is charged.
        mechanism: Description of the mechanism, JSON values.
        fingerprint: Idempotency key of the training.
        steps_allowed: Steps that are started under the charge.
    """
    return ChargeRequest(
        sources=[guarantee.source],
        start=guarantee.start,
        end=guarantee.end,
        region=f"table:{name}",
        service_day=guarantee.first,
        mechanism=mechanism,
        epsilon=guarantee.epsilon,
        delta=guarantee.delta,
        cap_epsilon=guarantee.epsilon,
        cap_delta=guarantee.delta,
        fingerprint=fingerprint,
        steps_allowed=steps_allowed,
    )


def account_of(region: Region) -> list[Charge]:
    """All charges on the sources of a region and all those that it made, day by day.

    Raises:
        LedgerError: If the database is down.
    """
    with read_ledger() as ledger:
        charges = ledger.charges() if ledger is not None else []
    sources = _sources(region)
    found = [
        charge
        for charge in charges
        if charge.region == region.id or not sources.isdisjoint(charge.sources)
    ]
    return sorted(found, key=lambda charge: (charge.start, charge.id))


def check_ledger(region: Region) -> None:
    """Refuse a ledger that is older than what is published of a region, as `open_ledger` does.

    Raises:
        LedgerError: If it is, or if the database is down.
    """
    layout = Layout.from_environment()
    if _published(layout, region.id, _sources(region)):
        open_ledger(layout, region).close()


@step("ledger-{region.id}")
def show_account(region: Region) -> list[dict[str, str]]:
    """Make an artifact of the region's account.

    Args:
        region: The region.

    Returns:
        A row for each charge, as `account_row` makes it.

    Raises:
        LedgerError: If the database is down.
    """
    rows = [account_row(charge) for charge in account_of(region)]
    create_table_artifact(
        key=artifact_key("ledger", region),
        table=rows,
        description=f"Privacy account of {region.name}: what was charged, day by day",
    )
    return rows


def account_row(charge: Charge) -> dict[str, str]:
    """A charge as people read it: texts in the order of the columns."""
    return {
        "day": charge.service_day,
        "region": charge.region,
        "mechanism": _mechanism_name(charge),
        "epsilon": f"{charge.epsilon:g} of {charge.cap_epsilon:g}",
        "delta": f"{charge.delta:g} of {charge.cap_delta:g}",
        "state": charge.state,
        "steps": f"{charge.steps_started} of {charge.steps_allowed}",
        "runs": str(charge.runs),
        "last run": charge.run_id,
        "last written": charge.updated_at,
        "charge": charge.charge_key,
    }


def _mechanism_name(charge: Charge) -> str:
    synthesizer = charge.mechanism.get("synthesizer")
    described = synthesizer if isinstance(synthesizer, dict) else charge.mechanism
    return str(described.get("name", "-"))


def _published(layout: Layout, region: str, sources: set[str]) -> list[PublishedCharge]:
    """What releases, here or in the public store, name of the region and of the sources."""
    return [
        charge
        for releases in exchange.published(layout)
        for charge in published_charges(releases, region, sources)
    ]


def _place(layout: Layout) -> Path | str:
    return os.environ.get(SETTING) or layout.ledger


def _sources(region: Region) -> set[str]:
    return {feed.account for feed in region.feeds}
