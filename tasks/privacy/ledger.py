"""The ledger: what has been spent on which interval of which source, durably, before it is.

Before the first private row of a day is read, `reserve` writes a charge and returns a lease on
it. The lease's holder counts steps with `start_steps` before it runs them and reports the end
with `finish` or `burn`. Each is one transaction that is on disk on return. Whatever crashes, the
ledger may say that more was spent than was; it never says less.

Reserving again with the same fingerprint resumes the same charge under a new fencing token;
holders of older tokens are refused at their next write. Anything else that would take an account
over its cap is refused by a trigger of the database (`ledger_schema`), and so for any program.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Update, update

from tasks.privacy.charge import Charge, ChargeRequest, Lease, now
from tasks.privacy.errors import CapExceededError, LeaseLostError, StepsSpentError
from tasks.privacy.ledger_database import open_database, transaction
from tasks.privacy.ledger_rows import charges_on, lease_on
from tasks.privacy.ledger_schema import charges
from tasks.privacy.reservation import reserve

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
                reserve(connection, request, run_id="can_spend")
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
            return reserve(connection, request, run_id)

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
            if connection.execute(change.values(updated_at=now())).rowcount == 1:
                return
            found = lease_on(connection, lease.charge)
        why = (
            "another run has taken it over"
            if found.token != lease.token
            else "what is counted or ended stays so"
        )
        raise LeaseLostError(
            f"charge {lease.charge}: this run holds token {lease.token}, but the charge is "
            f"{found.state} under token {found.token} with {found.steps_started} steps started; "
            f"{why}"
        )

    def lease_now(self, lease: Lease) -> Lease:
        """The charge as it is now; its token tells whether the lease still holds."""
        with self._transaction() as connection:
            return lease_on(connection, lease.charge)

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
            return charges_on(connection, source, start, end)


def _held(lease: Lease) -> Update:
    return update(charges).where(charges.c.id == lease.charge, charges.c.token == lease.token)
