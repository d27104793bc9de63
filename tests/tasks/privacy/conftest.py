import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tasks.privacy.ledger import ChargeRequest

Place = Path | str
REFUSED = (sqlite3.IntegrityError, psycopg.IntegrityError)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a new ledger is to be: a file, or a database of a real server."""
    if request.param == "sqlite":
        return tmp_path / "ledger.sqlite"
    return str(request.getfixturevalue("postgresql"))


@contextmanager
def any_program(place: Place) -> Iterator[Any]:
    """The ledger's database as another program opens it, with that program's own settings."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place, isolation_level=None)) as connection:
            yield connection
    else:
        with psycopg.connect(place, autocommit=True) as connection:
            yield connection


def requested(**changes: object) -> ChargeRequest:
    """A request for one day of one source at its full cap; keywords replace fields."""
    fields: dict[str, Any] = {
        "sources": ("fleet",),
        "start": dt.datetime(2026, 5, 20, tzinfo=dt.UTC),
        "end": dt.datetime(2026, 5, 21, tzinfo=dt.UTC),
        "region": "demo",
        "service_day": dt.date(2026, 5, 20),
        "mechanism": {"name": "trip_net"},
        "epsilon": 1.0,
        "delta": 1e-6,
        "cap_epsilon": 1.0,
        "cap_delta": 1e-6,
        "fingerprint": "first",
        "steps_allowed": 330,
        **changes,
    }
    return ChargeRequest(**fields)
