"""Reading the ledger's rows: leases and charges, within a transaction that is open."""

import json
from typing import Any

from sqlalchemy import Connection, Row, select

from tasks.privacy.charge import Charge, Lease
from tasks.privacy.ledger_schema import accounts, charged, charges


def lease_on(connection: Connection, charge: int) -> Lease:
    """The charge as it is now, with its newest token."""
    row = connection.execute(select(charges).where(charges.c.id == charge)).one()
    return Lease(
        charge=row.id,
        token=row.token,
        steps_started=row.steps_started,
        steps_allowed=row.steps_allowed,
        state=row.state,
        charge_key=row.charge_key,
    )


def charges_on(
    connection: Connection, source: str | None, start: str | None, end: str | None
) -> list[Charge]:
    """Charges in the order they were made; see `Ledger.charges`."""
    wanted = [charged.c.end_at > (start or ""), charged.c.start_at < (end or "9999")]
    if source is not None:
        wanted.append(charged.c.source == source)
    hit = select(charged.c.charge).where(*wanted)
    parts = connection.execute(
        select(charged, accounts.c.cap_epsilon, accounts.c.cap_delta)
        .join(accounts)
        .where(charged.c.charge.in_(hit))
        .order_by(charged.c.source)
    ).all()
    rows = connection.execute(
        select(charges).where(charges.c.id.in_(hit)).order_by(charges.c.id)
    ).all()
    by_charge: dict[int, list[Row[Any]]] = {}
    for part in parts:
        by_charge.setdefault(part.charge, []).append(part)
    return [_charge_of(row, by_charge[row.id]) for row in rows]


def _charge_of(row: Row[Any], parts: list[Row[Any]]) -> Charge:
    stored = {
        name: value for name, value in row._asdict().items() if name not in ("fingerprint", "token")
    }
    return Charge(
        **{
            **stored,
            "sources": tuple(part.source for part in parts),
            "start": min(part.start_at for part in parts),
            "end": max(part.end_at for part in parts),
            "cap_epsilon": min(part.cap_epsilon for part in parts),
            "cap_delta": min(part.cap_delta for part in parts),
            "mechanism": json.loads(row.mechanism),
            "runs": row.token,
        }
    )
