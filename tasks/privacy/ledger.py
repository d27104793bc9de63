"""The ledger: what has been spent on which interval of which source, durably, before it is.

Before the first private row of a day is read, `reserve` writes a charge and returns a lease on
it. The lease's holder counts steps with `start_steps` before it runs them and reports the end
with `finish` or `burn`. Each is one transaction that is on disk on return. Whatever crashes, the
ledger may say that more was spent than was; it never says less.

Reserving again with the same fingerprint resumes the same charge under a new fencing token;
holders of older tokens are refused at their next write. Anything else that would take an account
over its cap is refused by a trigger of the database (`ledger_schema`), and so for any program.
"""

import datetime as dt
import json
import secrets
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Row, Update, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tasks.privacy.charge import Charge, ChargeRequest, Lease, iso
from tasks.privacy.errors import CapExceededError, LeaseLostError, LedgerError, StepsSpentError
from tasks.privacy.ledger_database import open_database, transaction
from tasks.privacy.ledger_schema import (
    ANOTHER_PROMISE,
    OVER_THE_CAP,
    accounts,
    charged,
    charges,
)

__all__ = ["Charge", "ChargeRequest", "Lease", "Ledger"]


class Ledger:
    """An open ledger; use it as a context manager.

    Args:
        place: Path of a SQLite file, made with its folder if it does not exist; or the URL of a
            PostgreSQL database.
        must_exist: Whether to refuse to begin a new ledger.

    Raises:
        NoLedgerError: If there is none though one must exist; nothing is made.
        LedgerError: If it cannot be reached or is no ledger of this version.
    """

    def __init__(self, place: Path | str, *, must_exist: bool = False) -> None:
        self._database = open_database(place, must_exist)

    @property
    def label(self) -> str:
        """Where the ledger is, as messages name it; without credentials."""
        return self._database.label

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; leases stay valid."""
        self._database.engine.dispose()

    def _transaction(self, *, commit: bool = True) -> AbstractContextManager[Connection]:
        return transaction(self._database, commit=commit)

    def can_spend(self, request: ChargeRequest) -> bool:
        """Whether `reserve` would succeed now: the same code, rolled back."""
        try:
            with self._transaction(commit=False) as connection:
                _reserve(connection, request, run_id="can_spend")
        except CapExceededError:
            return False
        return True

    def reserve(self, request: ChargeRequest, run_id: str) -> Lease:
        """Charge every source's interval, or resume the charge of the same fingerprint.

        Call it before the first private row is read.

        Args:
            request: What is asked for.
            run_id: Who asks; kept with the charge.

        Raises:
            CapExceededError: If an account would go over its cap; nothing is written.
            LedgerError: If an account was opened for another promise, if the charge of this
                fingerprint was burned, or if it does not cover what is asked for.
        """
        with self._transaction() as connection:
            return _reserve(connection, request, run_id)

    def start_steps(self, lease: Lease, upto: int) -> None:
        """Count steps, durably, before they run.

        Args:
            lease: The holder's lease.
            upto: Steps started in all under the charge, these included.

        Raises:
            LeaseLostError: If another run has taken the charge over, or it is over.
            StepsSpentError: If `upto` is more than the charge allows; nothing is counted.
        """
        if upto > lease.steps_allowed:
            raise StepsSpentError(
                f"charge {lease.charge}: {upto} steps would exceed the {lease.steps_allowed} "
                "accounted for, reserve included; no further step may run"
            )
        self._write(
            lease,
            _held(lease)
            .where(charges.c.state.in_(("reserved", "running")), charges.c.steps_started <= upto)
            .values(steps_started=upto, state="running"),
        )

    def finish(self, lease: Lease) -> None:
        """Say that training is over; the charge stands.

        Raises:
            LeaseLostError: If another run has taken the charge over, or it was burned.
        """
        self._end(lease, "trained", unless="burned")

    def burn(self, lease: Lease) -> None:
        """Say that the charge's steps are spent without a model; the charge stands.

        Raises:
            LeaseLostError: If another run has taken the charge over, or there is a model.
        """
        self._end(lease, "burned", unless="trained")

    def _end(self, lease: Lease, state: str, unless: str) -> None:
        self._write(lease, _held(lease).where(charges.c.state != unless).values(state=state))

    def _write(self, lease: Lease, change: Update) -> None:
        with self._transaction() as connection:
            if connection.execute(change.values(updated_at=_now())).rowcount == 1:
                return
            now = _lease(connection, lease.charge)
        why = (
            "another run has taken it over"
            if now.token != lease.token
            else "what is counted or ended stays so"
        )
        raise LeaseLostError(
            f"charge {lease.charge}: this run holds token {lease.token}, but the charge is "
            f"{now.state} under token {now.token} with {now.steps_started} steps started; {why}"
        )

    def lease_now(self, lease: Lease) -> Lease:
        """The charge as it is now; its token tells whether the lease still holds."""
        with self._transaction() as connection:
            return _lease(connection, lease.charge)

    def charges(
        self, source: str | None = None, start: str | None = None, end: str | None = None
    ) -> list[Charge]:
        """Charges in the order they were made.

        Args:
            source: Only those on this source.
            start: Only those whose interval ends after this instant, ISO text in UTC.
            end: Only those whose interval begins before this instant, likewise.
        """
        with self._transaction() as connection:
            return _charges(connection, source, start, end)


def _reserve(connection: Connection, request: ChargeRequest, run_id: str) -> Lease:
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
        .values(token=charges.c.token + 1, run_id=run_id, updated_at=_now())
    )
    return _lease(connection, known.id)


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


_TERMS = ("unit", "adjacency", "epsilon", "delta", "steps_allowed")


def _charge(connection: Connection, request: ChargeRequest, run_id: str) -> Lease:
    now = _now()
    made = connection.execute(
        insert(charges).values(
            charge_key=secrets.token_hex(16),
            fingerprint=request.fingerprint,
            region=request.region,
            service_day=request.service_day.isoformat(),
            mechanism=json.dumps(request.mechanism, sort_keys=True, allow_nan=False),
            state="reserved",
            steps_started=0,
            token=1,
            run_id=run_id,
            created_at=now,
            updated_at=now,
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
    return _lease(connection, charge)


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
    before = [charge.name for charge in _charges(connection, source, start, end)]
    return (
        f"source {source} from {start} to {end}: a further charge of epsilon "
        f"{request.epsilon:g}, delta {request.delta:g} would exceed the cap of epsilon "
        f"{cap_epsilon:g}, delta {cap_delta:g}; already charged: "
        f"{', '.join(before) or 'nothing'}; publish the model of that charge, or take another day"
    )


def _another_promise(
    connection: Connection, request: ChargeRequest, account: tuple[str, str, str]
) -> str:
    """Why a charge is refused: one promise would break the other."""
    source, start, end = account
    before = [charge.name for charge in _charges(connection, source, start, end)]
    return (
        f"source {source} from {start} to {end}: a charge for unit {request.unit}, adjacency "
        f"{request.adjacency} cannot join charges that promise otherwise: "
        f"{', '.join(name for name in before)}; keep the guarantee of that day"
    )


def _lease(connection: Connection, charge: int) -> Lease:
    row = connection.execute(select(charges).where(charges.c.id == charge)).one()
    return Lease(
        charge=row.id,
        token=row.token,
        steps_started=row.steps_started,
        steps_allowed=row.steps_allowed,
        state=row.state,
        charge_key=row.charge_key,
    )


def _held(lease: Lease) -> Update:
    return update(charges).where(charges.c.id == lease.charge, charges.c.token == lease.token)


def _charges(
    connection: Connection, source: str | None, start: str | None, end: str | None
) -> list[Charge]:
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


def _now() -> str:
    return iso(dt.datetime.now(dt.UTC))
