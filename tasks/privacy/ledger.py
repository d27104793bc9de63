"""The ledger: what has been spent on which interval of which source, durably, before it is.

Before the first private row of a day is read, `reserve` writes a charge and returns a lease on
it. The lease's holder counts steps with `start_steps` before it runs them and reports the end
with `finish` or `burn`. Each is one transaction that is on disk on return (SQLite, write-ahead
log, synchronous FULL). Whatever crashes, the ledger may say that more was spent than was; it
never says less.

Reserving again with the same fingerprint resumes the same charge under a new fencing token;
holders of older tokens are refused at their next write. Anything else that would take an account
over its cap is refused by a trigger of the database (`ledger_schema`), and so for any program.
"""

import contextlib
import datetime as dt
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from tasks.files import fsync_directory
from tasks.privacy.errors import CapExceededError, LeaseLostError, LedgerError, StepsSpentError
from tasks.privacy.ledger_schema import SCHEMA, SCHEMA_VERSION

_BUSY_SECONDS = 60.0


@dataclass(frozen=True)
class ChargeRequest:
    """What a run asks the ledger for.

    Attributes:
        sources: Source systems whose trips are read; every one is charged in full.
        start: First instant of the interval, UTC.
        end: First instant after it, UTC.
        region: Id of the region, for people.
        service_day: The service day, for people.
        mechanism: Description of the mechanism, JSON values.
        epsilon: Cost, > 0.
        delta: Cost, > 0.
        cap_epsilon: Cap of an account made by this request; later requests do not change it.
        cap_delta: Likewise.
        fingerprint: Idempotency key of mechanism, code and input.
        steps_allowed: Most steps that may ever be started under the charge, >= 1.
    """

    sources: Sequence[str]
    start: dt.datetime
    end: dt.datetime
    region: str
    service_day: dt.date
    mechanism: Mapping[str, Any]
    epsilon: float
    delta: float
    cap_epsilon: float
    cap_delta: float
    fingerprint: str
    steps_allowed: int


@dataclass(frozen=True)
class Lease:
    """The right to write to a charge, until a newer token is given out.

    Attributes:
        charge: Id of the charge.
        token: Fencing token; only the newest may write.
        steps_started: Steps counted when the lease was given.
        steps_allowed: Most steps that may ever be started.
        state: State of the charge when the lease was given.
    """

    charge: int
    token: int
    steps_started: int
    steps_allowed: int
    state: str


@dataclass(frozen=True)
class Charge:
    """A row of the ledger, for people and for the privacy statement."""

    id: int
    sources: tuple[str, ...]
    start: str
    end: str
    region: str
    service_day: str
    mechanism: Mapping[str, Any]
    epsilon: float
    delta: float
    state: str
    steps_allowed: int
    steps_started: int
    run_id: str
    created_at: str
    updated_at: str


class Ledger:
    """An open ledger; use it as a context manager.

    Args:
        path: The SQLite file; made, with its folder, if it does not exist.

    Raises:
        LedgerError: If the file is no ledger of this version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        is_new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            self._prepare()
        except sqlite3.Error as error:
            raise LedgerError(
                f"{path}: not a usable ledger ({error}); restore it from a backup, never delete it"
            ) from error
        if is_new:
            fsync_directory(path.parent)

    def _prepare(self) -> None:
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("PRAGMA recursive_triggers = ON")  # so that REPLACE fires no_refund
        self._enter_wal()
        with self._transaction():
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _statements(SCHEMA):
                    self._database.execute(statement)
                self._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                raise LedgerError(
                    f"{self._path}: ledger version {version}, this program knows "
                    f"{SCHEMA_VERSION}; run the program that wrote it"
                )

    def _enter_wal(self) -> None:
        """Switch to the write-ahead log; SQLite does not wait for that lock by itself."""
        for _ in range(100):
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                self._database.execute("PRAGMA user_version").fetchone()
            else:
                return
        raise LedgerError(f"{self._path}: locked by another program; stop it and run again")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; leases stay valid."""
        self._database.close()

    @contextlib.contextmanager
    def _transaction(self, *, commit: bool = True) -> Iterator[None]:
        """One transaction that takes the write lock at once, so that what it reads stays true."""
        try:
            self._database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise LedgerError(
                f"{self._path}: {error} for {_BUSY_SECONDS:g} s; end the program that holds it "
                "and run again"
            ) from error
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT" if commit else "ROLLBACK")

    def can_spend(self, request: ChargeRequest) -> bool:
        """Whether `reserve` would succeed now: the same code, rolled back."""
        try:
            with self._transaction(commit=False):
                self._reserve(request, run_id="can_spend")
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
            LedgerError: If the charge of this fingerprint was burned.
        """
        with self._transaction():
            return self._reserve(request, run_id)

    def _reserve(self, request: ChargeRequest, run_id: str) -> Lease:
        known = self._database.execute(
            "SELECT id, state FROM charges WHERE fingerprint = ?", (request.fingerprint,)
        ).fetchone()
        if known is None:
            return self._charge(request, run_id)
        charge, state = known
        if state == "burned":
            raise LedgerError(
                f"charge {charge} ({request.region} {request.service_day}) was burned: its steps "
                "are spent and nothing was released; the day cannot be trained again"
            )
        self._database.execute(
            "UPDATE charges SET token = token + 1, run_id = ?, updated_at = ? WHERE id = ?",
            (run_id, _now(), charge),
        )
        return self._lease(charge)

    def _charge(self, request: ChargeRequest, run_id: str) -> Lease:
        start, end = _instant(request.start), _instant(request.end)
        now = _now()
        charge = self._database.execute(
            "INSERT INTO charges (fingerprint, region, service_day, mechanism, epsilon, delta,"
            " state, steps_allowed, token, run_id, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, 'reserved', ?, 1, ?, ?, ?)",
            (
                request.fingerprint,
                request.region,
                request.service_day.isoformat(),
                json.dumps(request.mechanism, sort_keys=True),
                request.epsilon,
                request.delta,
                request.steps_allowed,
                run_id,
                now,
                now,
            ),
        ).lastrowid
        assert charge is not None
        for source in sorted(set(request.sources)):
            self._database.execute(
                "INSERT INTO accounts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (source, start, end, request.cap_epsilon, request.cap_delta),
            )
            try:
                self._database.execute(
                    "INSERT INTO charged VALUES (?, ?, ?, ?)", (charge, source, start, end)
                )
            except sqlite3.IntegrityError as error:
                if "over the cap" not in str(error):
                    raise
                raise CapExceededError(self._refusal(request, source, start, end)) from error
        return self._lease(charge)

    def _refusal(self, request: ChargeRequest, source: str, start: str, end: str) -> str:
        """Why a charge is refused: the cap and what was charged already."""
        caps = self._database.execute(
            "SELECT min(cap_epsilon), min(cap_delta) FROM accounts"
            " WHERE source = ? AND start_at < ? AND end_at > ?",
            (source, end, start),
        ).fetchone()
        charged = [
            f"charge {charge.id} (region {charge.region}, day {charge.service_day}, "
            f"epsilon {charge.epsilon:g}, delta {charge.delta:g}, {charge.state}, "
            f"{charge.created_at})"
            for charge in self.charges(source, start, end)
        ]
        return (
            f"source {source} from {start} to {end}: a further charge of epsilon "
            f"{request.epsilon:g}, delta {request.delta:g} would exceed the cap of epsilon "
            f"{caps[0]:g}, delta {caps[1]:g}; already charged: {', '.join(charged) or 'nothing'}; "
            "publish the model of that charge, or take another day"
        )

    def _lease(self, charge: int) -> Lease:
        row = self._database.execute(
            "SELECT id, token, steps_started, steps_allowed, state FROM charges WHERE id = ?",
            (charge,),
        ).fetchone()
        return Lease(*row)

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
            "UPDATE charges SET steps_started = ?, state = 'running', updated_at = ?"
            " WHERE id = ? AND token = ? AND state IN ('reserved', 'running')"
            " AND steps_started <= ?",
            (upto, _now(), lease.charge, lease.token, upto),
        )

    def finish(self, lease: Lease) -> None:
        """Say that training is over; the charge stands.

        Raises:
            LeaseLostError: If another run has taken the charge over.
        """
        self._end(lease, "trained")

    def burn(self, lease: Lease) -> None:
        """Say that the charge's steps are spent without a model; the charge stands.

        Raises:
            LeaseLostError: If another run has taken the charge over.
        """
        self._end(lease, "burned")

    def _end(self, lease: Lease, state: str) -> None:
        self._write(
            lease,
            "UPDATE charges SET state = ?, updated_at = ? WHERE id = ? AND token = ?"
            " AND state <> 'burned'",
            (state, _now(), lease.charge, lease.token),
        )

    def _write(self, lease: Lease, statement: str, values: Sequence[object]) -> None:
        with self._transaction():
            if self._database.execute(statement, values).rowcount == 1:
                return
            now = self._lease(lease.charge)
        raise LeaseLostError(
            f"charge {lease.charge}: this run holds token {lease.token}, but the charge is "
            f"{now.state} under token {now.token} with {now.steps_started} steps started; "
            "another run has taken it over"
        )

    def lease_now(self, lease: Lease) -> Lease:
        """The charge as it is now; its token tells whether the lease still holds."""
        return self._lease(lease.charge)

    def charges(
        self, source: str | None = None, start: str | None = None, end: str | None = None
    ) -> list[Charge]:
        """Charges in the order they were made.

        Args:
            source: Only those on this source.
            start: Only those whose interval ends after this instant, ISO text in UTC.
            end: Only those whose interval begins before this instant, likewise.
        """
        rows = self._database.execute(
            "SELECT id, group_concat(source, char(10)), min(start_at), max(end_at), region,"
            " service_day, mechanism, epsilon, delta, state, steps_allowed, steps_started, run_id,"
            " created_at, updated_at FROM charges JOIN charged ON charge = id"
            " GROUP BY id HAVING max(end_at) > ?2 AND min(start_at) < ?3"
            " AND (?1 IS NULL OR max(source = ?1)) ORDER BY id",
            (source, start or "", end or "9999"),
        ).fetchall()
        return [_charge_of(row) for row in rows]


def _charge_of(row: tuple[Any, ...]) -> Charge:
    names = [field.name for field in fields(Charge)]
    values = dict(zip(names, row, strict=True))
    values["sources"] = tuple(sorted(values["sources"].split("\n")))
    values["mechanism"] = json.loads(values["mechanism"])
    return Charge(**values)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; a trigger's body holds semicolons of its own."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _instant(instant: dt.datetime) -> str:
    if instant.tzinfo is None:
        raise ValueError("an interval's bounds need a time zone")
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _now() -> str:
    return _instant(dt.datetime.now(dt.UTC))
