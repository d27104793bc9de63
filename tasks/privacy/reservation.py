"""Reserving budget: a new charge on every source's account, or the resumption of an old one."""

import json
import secrets
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tasks.privacy.charge import ChargeRequest, Lease, now
from tasks.privacy.errors import CapExceededError, LedgerError
from tasks.privacy.ledger_rows import charges_on, lease_on
from tasks.privacy.ledger_schema import (
    ANOTHER_PROMISE,
    OVER_THE_CAP,
    accounts,
    charged,
    charges,
)

_TERMS = ("unit", "adjacency", "epsilon", "delta", "steps_allowed")
"""What a charge is made for, besides its accounts."""


def reserve(connection: Connection, request: ChargeRequest, run_id: str) -> Lease:
    """Charge or resume, within a transaction that holds the lock; see `Ledger.reserve`."""
    known = connection.execute(
        select(charges).where(charges.c.fingerprint == request.fingerprint)
    ).one_or_none()
    if known is None:
        return _charge(connection, request, run_id)
    _refuse_other_terms(connection, known, request)
    if known.state == "burned":
        raise LedgerError(
            f"charge {known.id} ({request.region} {request.service_day}) was burned: its steps "
            "are spent and nothing was released; the day cannot be trained again"
        )
    connection.execute(
        update(charges)
        .where(charges.c.id == known.id)
        .values(token=charges.c.token + 1, run_id=run_id, updated_at=now())
    )
    return lease_on(connection, known.id)


def _refuse_other_terms(connection: Connection, known: Row[Any], request: ChargeRequest) -> None:
    """A fingerprint does not hold sources and days: a charge is resumed only for its own."""
    parts = connection.execute(
        select(charged.c.source, charged.c.start_at, charged.c.end_at).where(
            charged.c.charge == known.id
        )
    )
    stands = {name: getattr(known, name) for name in _TERMS} | {
        "accounts": sorted(tuple(part) for part in parts)
    }
    asked = {name: getattr(request, name) for name in stands}
    differing = [name for name, value in stands.items() if value != asked[name]]
    if differing:
        raise LedgerError(
            f"charge {known.id} ({known.region} {known.service_day}) was made for other "
            f"{', '.join(differing)} than this run asks for; set the region's feeds, time zone "
            "and guarantee back to what they were"
        )


def _charge(connection: Connection, request: ChargeRequest, run_id: str) -> Lease:
    moment = now()
    made = connection.execute(
        insert(charges).values(
            charge_key=secrets.token_bytes(16).hex(),
            fingerprint=request.fingerprint,
            region=request.region,
            service_day=request.service_day.isoformat(),
            mechanism=json.dumps(request.mechanism, sort_keys=True, allow_nan=False),
            state="reserved",
            steps_started=0,
            token=1,
            run_id=run_id,
            created_at=moment,
            updated_at=moment,
            **{name: getattr(request, name) for name in _TERMS},
        )
    )
    (charge,) = made.inserted_primary_key or (0,)
    for account in request.accounts:
        _open_account(connection, request, account)
        source, start, end = account
        part = {"charge": charge, "source": source, "start_at": start, "end_at": end}
        try:
            with connection.begin_nested():
                connection.execute(insert(charged).values(part))
        except IntegrityError as error:
            said = str(error.orig)
            if OVER_THE_CAP in said:
                raise CapExceededError(_over_the_cap(connection, request, account)) from None
            if ANOTHER_PROMISE in said:
                raise LedgerError(_another_promise(connection, request, account)) from None
            raise
    return lease_on(connection, charge)


def _open_account(
    connection: Connection, request: ChargeRequest, account: tuple[str, str, str]
) -> None:
    """Make the account unless it exists; then its promise and its cap stay what they are."""
    source, start, end = account
    columns = accounts.c
    exists = and_(columns.source == source, columns.start_at == start, columns.end_at == end)
    if connection.execute(select(func.count()).where(exists)).scalar_one() == 0:
        connection.execute(
            insert(accounts).values(
                source=source,
                start_at=start,
                end_at=end,
                unit=request.unit,
                adjacency=request.adjacency,
                cap_epsilon=request.cap_epsilon,
                cap_delta=request.cap_delta,
            )
        )


def _over_the_cap(
    connection: Connection, request: ChargeRequest, account: tuple[str, str, str]
) -> str:
    """Why a charge is refused: the cap and what was charged already."""
    source, start, end = account
    cap_epsilon, cap_delta = connection.execute(
        select(func.min(accounts.c.cap_epsilon), func.min(accounts.c.cap_delta)).where(
            accounts.c.source == source, accounts.c.start_at < end, accounts.c.end_at > start
        )
    ).one()
    before = [charge.name for charge in charges_on(connection, source, start, end)]
    return (
        f"source {source} from {start} to {end}: a further charge of epsilon "
        f"{request.epsilon:g}, delta {request.delta:g} would exceed the cap of epsilon "
        f"{cap_epsilon:g}, delta {cap_delta:g}; already charged: "
        f"{', '.join(before) or 'nothing'}; publish the model of that charge, end its training "
        "with the code and the settings that began it, or take another day"
    )


def _another_promise(
    connection: Connection, request: ChargeRequest, account: tuple[str, str, str]
) -> str:
    """Why a charge is refused: one promise would break the other."""
    source, start, end = account
    before = [charge.name for charge in charges_on(connection, source, start, end)]
    return (
        f"source {source} from {start} to {end}: a charge for unit {request.unit}, adjacency "
        f"{request.adjacency} cannot join charges that promise otherwise: "
        f"{', '.join(name for name in before)}; keep the guarantee of that day"
    )
