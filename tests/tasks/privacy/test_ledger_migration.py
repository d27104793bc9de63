import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tasks.privacy.errors import CapExceededError, LedgerError
from tasks.privacy.ledger import Ledger
from tasks.privacy.ledger_schema import SCHEMA_VERSION
from tests.tasks.privacy.conftest import requested

FIRST_VERSION = (Path(__file__).parent / "ledger_1.sql").read_text()
ROWS = """
INSERT INTO accounts VALUES
    ('fleet', '2026-05-20T00:00:00Z', '2026-05-21T00:00:00Z', 1.0, 1e-6),
    ('other', '2026-05-20T00:00:00Z', '2026-05-21T00:00:00Z', 1.0, 1e-6),
    ('fleet', '2026-05-21T00:00:00Z', '2026-05-22T00:00:00Z', 1.0, 1e-6);
INSERT INTO charges VALUES
    (1, 'first', 'demo', '2026-05-20', '{"name": "trip_net"}', 1.0, 1e-6, 'trained', 330, 300, 2,
     'run-2', '2026-05-21T00:30:00Z', '2026-05-21T00:31:00Z'),
    (4, 'next', 'demo', '2026-05-21', '{"name": "trip_net"}', 1.0, 1e-6, 'running', 330, 25, 1,
     'run-3', '2026-05-22T00:30:00Z', '2026-05-22T00:31:00Z');
INSERT INTO charged VALUES
    (1, 'fleet', '2026-05-20T00:00:00Z', '2026-05-21T00:00:00Z'),
    (1, 'other', '2026-05-20T00:00:00Z', '2026-05-21T00:00:00Z'),
    (4, 'fleet', '2026-05-21T00:00:00Z', '2026-05-22T00:00:00Z');
"""


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A ledger of the first version, with a finished charge and one in mid-training."""
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(FIRST_VERSION + ROWS)
    return path


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        version = database.execute("PRAGMA user_version").fetchone()
        return [*database.iterdump(), str(version)]


def test_a_ledger_of_version_1_goes_on(first: Path) -> None:
    with Ledger(first) as ledger:
        done, running = ledger.charges()
        assert (done.id, done.sources, done.state) == (1, ("fleet", "other"), "trained")
        assert (done.unit, done.adjacency, done.steps_started) == ("trip", "zero_out", 300)
        assert (done.run_id, done.runs, done.cap_epsilon) == ("run-2", 2, 1.0)
        assert done.created_at == "2026-05-21T00:30:00Z"
        assert len({done.charge_key, running.charge_key}) == 2
        with pytest.raises(CapExceededError):
            ledger.reserve(requested(fingerprint="second"), "run")
        lease = ledger.reserve(requested(sources=("fleet", "other")), "run-4")
        assert (lease.charge, lease.token, lease.charge_key) == (1, 3, done.charge_key)
        new = ledger.reserve(requested(sources=("third",), fingerprint="third"), "run-5")
        assert new.charge == 5
    with Ledger(first) as ledger:
        assert len(ledger.charges()) == 3


def test_a_migrated_ledger_is_as_one_made_new(first: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    tables = []
    for path in (first, new):
        Ledger(path).close()
        with closing(sqlite3.connect(path)) as database:
            tables.append(set(database.execute("SELECT type, name, sql FROM sqlite_master")))
            assert database.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert tables[0] == tables[1]


def test_a_migration_that_fails_changes_nothing(first: Path) -> None:
    with closing(sqlite3.connect(first)) as database:
        database.execute("CREATE TABLE charged_1 (something TEXT)")  # where the old table would go
    before = dump(first)
    with pytest.raises(LedgerError, match=r"refuses .*charged_1"):
        Ledger(first)
    assert dump(first) == before
