"""What the database refuses to any program, with that program's own settings."""

import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError

from tasks.privacy.ledger import Ledger
from tasks.privacy.ledger_schema import RULES, metadata
from tests.tasks.privacy.conftest import REFUSED, Place, any_program, requested

CHARGE = (
    "'0123456789abcdef0123456789abcdef', '{fingerprint}', region, service_day, unit, adjacency,"
    " mechanism, {epsilon}, {delta}, 'reserved', 1, 0, 1, 'raw', created_at, updated_at"
)
SECOND_CHARGE = "INSERT INTO charges SELECT {id}, " + CHARGE + " FROM charges WHERE id = 1"

VANISHING = {
    "delete of a charge": "DELETE FROM charges",
    "delete of a part": "DELETE FROM charged",
    "delete of an account": "DELETE FROM accounts",
    "lower epsilon": "UPDATE charges SET epsilon = 0.1",
    "lower delta": "UPDATE charges SET delta = 0",
    "fewer steps": "UPDATE charges SET steps_started = 0",
    "more steps allowed": "UPDATE charges SET steps_allowed = 1000",
    "more steps than allowed": "UPDATE charges SET steps_started = 331",
    "older token": "UPDATE charges SET token = 0",
    "back to reserved": "UPDATE charges SET state = 'reserved'",
    "an invented state": "UPDATE charges SET state = 'refunded'",
    "another key": "UPDATE charges SET charge_key = '0123456789abcdef0123456789abcdef'",
    "another fingerprint": "UPDATE charges SET fingerprint = 'free'",
    "another unit": "UPDATE charges SET unit = 'vehicle_day'",
    "another time": "UPDATE charges SET created_at = '1970-01-01T00:00:00Z'",
    "another id": "UPDATE charges SET id = 7",
    "a part elsewhere": "UPDATE charged SET start_at = '1970'",
    "a higher cap": "UPDATE accounts SET cap_epsilon = 9",
    "another promise": "UPDATE accounts SET adjacency = 'add_remove'",
    "an account again": "INSERT INTO accounts SELECT source, start_at, end_at, unit, adjacency,"
    " 9, 1 FROM accounts",
    "a part of no account": "INSERT INTO charged VALUES (1, 'nowhere', '2026', '2027')",
    "a part of no charge": "INSERT INTO charged SELECT 7, source, start_at, end_at FROM charged",
}
REPLACING = {
    "a charge": "INSERT OR REPLACE INTO charges SELECT id, "
    + CHARGE.format(fingerprint="x", epsilon=0.1, delta=0)
    + " FROM charges",
    "a charge by its fingerprint": "REPLACE INTO charges SELECT 7, "
    + CHARGE.format(fingerprint="first", epsilon=0.1, delta=0)
    + " FROM charges",
    "a charge by an update": "UPDATE OR REPLACE charges SET id = 7",
    "a part": "INSERT OR REPLACE INTO charged SELECT charge, source, '1970', '1971' FROM charged",
    "an account": "REPLACE INTO accounts SELECT source, start_at, end_at, unit, adjacency, 9, 1"
    " FROM accounts",
    "an account by an upsert": "INSERT INTO accounts SELECT source, start_at, end_at, unit,"
    " adjacency, 9, 1 FROM accounts WHERE true ON CONFLICT DO UPDATE SET cap_epsilon = 9",
}


def rows(place: Place) -> list[object]:
    with any_program(place) as program:
        return [program.execute(f"SELECT * FROM {name}").fetchall() for name in metadata.tables]


@pytest.fixture
def spent(place: Place) -> Place:
    """A ledger with one charge, ten of whose steps have started."""
    with Ledger(place) as ledger:
        ledger.start_steps(ledger.reserve(requested(), "run"), 10)
    return place


def test_rule_10_no_statement_makes_a_row_vanish(spent: Place) -> None:
    before = rows(spent)
    for what, statement in VANISHING.items():
        with any_program(spent) as program:
            with pytest.raises(REFUSED):
                program.execute(statement)
            assert rows(spent) == before, what


def test_rule_10_sqlite_replaces_nothing(tmp_path: Path) -> None:
    """REPLACE deletes without asking the rule about deletes; foreign keys are off by default."""
    place = tmp_path / "ledger.sqlite"
    with Ledger(place) as ledger:
        ledger.start_steps(ledger.reserve(requested(), "run"), 10)
    before = rows(place)
    for what, statement in REPLACING.items():
        with any_program(place) as program:
            with pytest.raises(REFUSED):
                program.execute(statement)
            assert rows(place) == before, what


def test_rule_10_postgresql_truncates_nothing_even_as_a_replica(postgresql: str) -> None:
    with Ledger(postgresql) as ledger:
        ledger.reserve(requested(), "run")
    before = rows(postgresql)
    for statement in ("TRUNCATE charged", "TRUNCATE charges CASCADE", *VANISHING.values()):
        with any_program(postgresql) as program:
            program.execute("SET session_replication_role = replica")  # ordinary triggers sleep
            if statement not in (VANISHING["fewer steps"], VANISHING["back to reserved"]):
                with pytest.raises(REFUSED):
                    program.execute(statement)
    assert rows(postgresql) == before


def test_every_rule_is_a_trigger(spent: Place) -> None:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if isinstance(spent, Path)
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'"
        " AND tgrelid::regclass::oid IN ('accounts'::regclass, 'charges'::regclass,"
        " 'charged'::regclass)"
    )
    with any_program(spent) as program:
        names = {name for (name,) in program.execute(query).fetchall()}
    assert {rule.name for rule in RULES} == {n for n in names if not n.endswith("truncated")}


@pytest.mark.parametrize("part", ["epsilon", "delta"])
def test_rule_10_the_cap_is_enforced_by_the_database(spent: Place, part: str) -> None:
    cost = {"epsilon": 0.01, "delta": 0} if part == "epsilon" else {"epsilon": 1e-10, "delta": 1e-9}
    with any_program(spent) as program:
        program.execute("BEGIN")
        program.execute(SECOND_CHARGE.format(id=2, fingerprint="x", **cost))
        with pytest.raises(REFUSED, match="over the cap"):
            program.execute("INSERT INTO charged SELECT 2, source, start_at, end_at FROM charged")
        program.execute("ROLLBACK")


@pytest.mark.parametrize("cost", [(-0.5, 0), (0.1, -1e-7)])
def test_rule_10_a_negative_charge_is_no_refund(tmp_path: Path, cost: tuple[float, float]) -> None:
    place = tmp_path / "ledger.sqlite"
    with Ledger(place) as ledger:
        ledger.reserve(requested(), "run")
    with any_program(place) as program:
        program.execute("PRAGMA ignore_check_constraints = ON")
        program.execute(SECOND_CHARGE.format(id=2, fingerprint="x", epsilon=cost[0], delta=cost[1]))
        with pytest.raises(REFUSED, match="stands"):
            program.execute("INSERT INTO charged SELECT 2, source, start_at, end_at FROM charged")


def test_a_number_that_is_none_is_refused(spent: Place) -> None:
    """In PostgreSQL, NaN is larger than every number and so larger than zero."""
    infinite = "9e999" if isinstance(spent, Path) else "'Infinity'"
    none = ["'many'"] if isinstance(spent, Path) else ["'NaN'"]
    with any_program(spent) as program:
        for epsilon in (infinite, "-1", "0", *none):
            with pytest.raises(REFUSED):
                program.execute(
                    SECOND_CHARGE.format(id=2, fingerprint="x", epsilon=epsilon, delta=0)
                )


def second_charge(connection: psycopg.Connection[tuple[object, ...]], number: int) -> None:
    with connection.cursor() as cursor:
        statement = SECOND_CHARGE.format(id=number, fingerprint=number, epsilon=0.6, delta=0)
        key = f"{number:032d}"
        cursor.execute(statement.replace("0123456789abcdef" * 2, key).encode())
        part = f"INSERT INTO charged SELECT {number}, source, start_at, end_at FROM charged"
        cursor.execute(f"{part} WHERE charge = 1".encode())


def test_rule_10_racing_programs_of_postgresql_wait_for_each_other(postgresql: str) -> None:
    """Neither sees what the other has not committed; both would fit if each were alone."""
    with Ledger(postgresql) as ledger:
        ledger.reserve(requested(epsilon=0.3, delta=0), "run")
    outcomes: list[str] = []

    def late() -> None:
        with psycopg.connect(postgresql) as second:
            try:
                second_charge(second, 3)
                outcomes.append("charged")
            except psycopg.IntegrityError as error:
                outcomes.append(str(error))

    with psycopg.connect(postgresql) as first:
        second_charge(first, 2)
        thread = threading.Thread(target=late)
        thread.start()
        thread.join(0.3)
        assert not outcomes  # it waits
        first.commit()
    thread.join()
    assert outcomes[0].startswith("over the cap")


@pytest.mark.parametrize(
    "level", [psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE]
)
def test_rule_10_a_program_that_would_see_an_old_state_is_refused(
    postgresql: str, level: psycopg.IsolationLevel
) -> None:
    with Ledger(postgresql) as ledger:
        ledger.reserve(requested(epsilon=0.3, delta=0), "run")
    with psycopg.connect(postgresql) as program:
        program.isolation_level = level
        with pytest.raises(psycopg.Error, match="isolation level read committed"):
            second_charge(program, 2)
        program.rollback()


def test_a_temporary_table_of_the_same_name_deceives_no_rule(postgresql: str) -> None:
    with Ledger(postgresql) as ledger:
        ledger.reserve(requested(), "run")
    with any_program(postgresql) as program:
        program.execute("CREATE TEMPORARY TABLE accounts (LIKE accounts)")
        program.execute(SECOND_CHARGE.format(id=2, fingerprint="x", epsilon=1, delta=0))
        with pytest.raises(psycopg.IntegrityError, match="over the cap"):
            program.execute("INSERT INTO charged SELECT 2, source, start_at, end_at FROM charged")


def test_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    from tasks.privacy.errors import LedgerError

    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(LedgerError, match="CHECK") as caught:
            ledger.reserve(requested(unit="city"), "run")
        assert isinstance(caught.value.__cause__, IntegrityError)
        assert ledger.charges() == []
