"""The database under the ledger: SQLite or PostgreSQL, one durable transaction at a time.

A transaction holds the ledger's one write lock from its beginning, so that what it reads stays
true, and is on disk when it ends. What a database says reaches people as one line, without the
credentials of its URL.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from tasks.files import fsync_directory
from tasks.privacy.errors import LedgerError, NoLedgerError
from tasks.privacy.ledger_migration import migrate_sqlite
from tasks.privacy.ledger_schema import (
    LOCK,
    SCHEMA_VERSION,
    metadata,
    postgresql_triggers,
    sqlite_triggers,
)

BUSY_SECONDS = 60
"""How long a transaction waits for another one to end."""
CONNECT_SECONDS = 20
"""How long a database server may take to answer at first."""


class Database(Protocol):
    """What the ledger needs of a database."""

    label: str
    engine: Engine

    def begin(self, connection: Connection) -> None:
        """Take the write lock, and see to it that a commit is on disk."""

    def prepare(self, connection: Connection, must_exist: bool) -> None:
        """Make the tables unless they must exist, or bring older ones up to date."""

    def refusal(self, error: DBAPIError) -> str:
        """What the database said, and what to do: one line without credentials."""


def open_database(place: Path | str, must_exist: bool) -> Database:
    """Open the ledger's database and make or renew its tables.

    Args:
        place: Path of a SQLite file or URL of a PostgreSQL database.
        must_exist: Whether to refuse to make a new ledger.

    Raises:
        NoLedgerError: If there is none and none may be made; nothing is made.
        LedgerError: If it cannot be reached or is no ledger of this version.
    """
    database: Database = (
        SqliteFile(place, must_exist) if isinstance(place, Path) else PostgresqlServer(place)
    )
    try:
        with transaction(database) as connection:
            database.prepare(connection, must_exist)
    except BaseException:
        database.engine.dispose()
        raise
    return database


@contextlib.contextmanager
def transaction(database: Database, *, commit: bool = True) -> Iterator[Connection]:
    """One transaction under the ledger's write lock; an exception rolls it back.

    Args:
        database: The open database.
        commit: False to roll back at the end whatever was done.

    Raises:
        LedgerError: If the database is down, is held by another program, or refuses.
    """
    try:
        with database.engine.connect() as connection, connection.begin() as unit:
            database.begin(connection)
            yield connection
            if not commit:
                unit.rollback()
    except DBAPIError as error:
        raise LedgerError(f"{database.label}: {database.refusal(error)}") from error
    except SQLAlchemyError as error:
        raise LedgerError(f"{database.label}: not a usable ledger ({_line(error)})") from error


class SqliteFile:
    """A ledger in one file, with a write-ahead log that is synced at every commit."""

    def __init__(self, path: Path, must_exist: bool) -> None:
        self.label = str(path)
        if must_exist and not path.exists():
            raise _no_ledger(self.label)
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.engine = create_engine(
            URL.create("sqlite", database=str(path)),
            connect_args={"timeout": BUSY_SECONDS, "isolation_level": None},
            hide_parameters=True,
        )
        event.listen(self.engine, "connect", self._configure)

    def _configure(self, connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: past the drive's own cache
        self._enter_wal(connection)

    def _enter_wal(self, connection: sqlite3.Connection) -> None:
        """Switch to the write-ahead log; SQLite does not wait for that lock by itself."""
        for _ in range(100):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                connection.execute("PRAGMA user_version").fetchone()
            else:
                return
        raise LedgerError(f"{self.label}: locked by another program; stop it and run again")

    def begin(self, connection: Connection) -> None:
        """Take the write lock; every commit is synced."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def prepare(self, connection: Connection, must_exist: bool) -> None:
        """Make or renew the tables; the version is the file's `user_version`."""
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version == SCHEMA_VERSION:
            return
        if version == 0:
            if must_exist:
                raise _no_ledger(self.label)
            fsync_directory(self._path.parent)
            metadata.create_all(connection, checkfirst=False)
        elif version == 1:
            migrate_sqlite(connection)
        else:
            raise _other_version(self.label, version)
        for statement in sqlite_triggers():
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def refusal(self, error: DBAPIError) -> str:
        """What SQLite said, and what to do."""
        said = _line(error.orig)
        if "locked" in said:
            return f"{said} for {BUSY_SECONDS} s; end the program that holds it and run again"
        if isinstance(error.orig, sqlite3.OperationalError):  # such as a full disk
            return f"the database refuses ({said}); correct that and run again"
        return f"not a usable ledger ({said}); restore it from a backup, never delete it"


class PostgresqlServer:
    """A ledger in the current schema of a PostgreSQL database.

    Args:
        url: `postgresql://user@host/database`; libpq's options and environment variables count.

    Raises:
        LedgerError: If that is no such URL; it is not repeated, since it may hold a password.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            if parsed.drivername not in ("postgresql", "postgres"):
                raise ArgumentError
            self._secrets = _secrets_of(parsed)
            self.label = f"ledger {parsed.database or ''} on {_host(parsed)}"
            self.engine = create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                connect_args={"connect_timeout": CONNECT_SECONDS, "prepare_threshold": None},
                isolation_level="READ COMMITTED",
                pool_pre_ping=True,  # a connection may have died between two blocks of steps
                hide_parameters=True,
            )
        except (ArgumentError, NoSuchModuleError, ValueError):
            raise LedgerError(
                "OPENTRIPS_LEDGER is not the URL of a PostgreSQL database; write "
                "postgresql://USER@HOST/DATABASE"
            ) from None  # the cause may show the password

    def begin(self, connection: Connection) -> None:
        """Take the write lock, and wait for the disk where the server would not."""
        connection.exec_driver_sql(
            f"SELECT set_config('lock_timeout', '{BUSY_SECONDS}s', true),"
            " CASE WHEN current_setting('synchronous_commit') = 'off'"
            " THEN set_config('synchronous_commit', 'on', true) END"
        )
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")

    def prepare(self, connection: Connection, must_exist: bool) -> None:
        """Make the tables in the current schema; the version is a table of its own."""
        ask = connection.exec_driver_sql
        if ask("SHOW fsync").scalar_one() != "on":
            raise LedgerError(f"{self.label}: the server runs with fsync off; turn it on")
        if ask("SELECT to_regclass('ledger_version')").scalar_one() is not None:
            version = ask("SELECT version FROM ledger_version").scalar_one()
            if version != SCHEMA_VERSION:
                raise _other_version(self.label, version)
            return
        if must_exist:
            raise _no_ledger(self.label)
        metadata.create_all(connection, checkfirst=False)
        schema = ask("SELECT quote_ident(current_schema())").scalar_one()
        for statement in postgresql_triggers(schema):
            ask(statement)
        ask(f"CREATE TABLE ledger_version AS SELECT {SCHEMA_VERSION} AS version")

    def refusal(self, error: DBAPIError) -> str:
        """What the server said, and what to do."""
        said = _line(error.orig)
        for secret in self._secrets:
            said = said.replace(secret, "***")
        if getattr(error.orig, "sqlstate", None) == "55P03":  # lock_not_available
            return f"locked for {BUSY_SECONDS} s; end the program that holds it and run again"
        if getattr(error.orig, "sqlstate", None) is None:
            return f"cannot be reached ({said}); start the database or correct OPENTRIPS_LEDGER"
        return f"the database refuses ({said}); correct that and run again"


def _host(url: URL) -> str:
    """Where a database is, without who asks; a socket's folder may stand in the query."""
    host = url.host or url.query.get("host") or "the default host"
    return f"{host if isinstance(host, str) else ', '.join(host)}{f':{url.port}' * bool(url.port)}"


def _secrets_of(url: URL) -> list[str]:
    queried = [url.query.get(name) for name in ("password", "sslpassword")]
    return [str(secret) for secret in (url.password, *queried) if secret]


def _no_ledger(label: str) -> NoLedgerError:
    return NoLedgerError(
        f"{label}: there is no ledger, but releases were paid for from one; restore its newest "
        "backup, never begin anew"
    )


def _other_version(label: str, version: int) -> LedgerError:
    return LedgerError(
        f"{label}: ledger version {version}, this program knows {SCHEMA_VERSION}; "
        "run the program that wrote it"
    )


def _line(error: BaseException | None) -> str:
    """An error's text on one line, without the context that a server adds below it."""
    said = str(error).split("\nCONTEXT:")[0]
    return " ".join(said.split()).rstrip(".")
