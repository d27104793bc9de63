import os
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.conftest import postgresql_running
from tests.infra.schema import INFRA


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """A new server, on which the roles were made as the image of PostgreSQL makes them."""
    with postgresql_running() as server:
        made = make_roles(server)
        assert made.returncode == 0, made.stderr
        yield server


@pytest.fixture
def url(server: Any) -> str:
    """Its address, for the administrator."""
    return str(server.get_uri()).replace("postgres:@", "postgres@")


def make_roles(server: Any) -> "subprocess.CompletedProcess[str]":
    passwords = {"PREFECT_PASSWORD": "it's", "LEDGER_PASSWORD": "secret"}
    return subprocess.run(
        [
            str(server.bin_path / "psql"),
            *("--no-psqlrc", "--dbname", server.get_uri()),
            *("--file", str(INFRA / "postgresql" / "roles.sql")),
        ],
        env={**os.environ, **passwords},
        capture_output=True,
        text=True,
        check=False,
    )


def of(role: str, database: str, url: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl().replace("postgres@", f"{role}@")


@pytest.mark.parametrize("role", ["prefect", "ledger"])
def test_a_role_makes_tables_in_its_own_database(role: str, url: str) -> None:
    with psycopg.connect(of(role, role, url)) as connection:
        connection.execute("CREATE TABLE own (id int)")
        connection.rollback()


@pytest.mark.parametrize(("role", "other"), [("prefect", "ledger"), ("ledger", "prefect")])
def test_a_role_is_not_let_into_the_other_ones_database(role: str, other: str, url: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(of(role, other, url))


def test_passwords_come_from_the_environment(url: str) -> None:
    with psycopg.connect(url) as connection:
        stored = connection.execute(
            "SELECT rolname, rolpassword LIKE 'SCRAM-SHA-256%', rolsuper FROM pg_authid "
            "WHERE rolname IN ('prefect', 'ledger') ORDER BY rolname"
        ).fetchall()
    assert stored == [("ledger", True, False), ("prefect", True, False)]


def test_a_second_time_is_an_error(server: Any) -> None:
    again = make_roles(server)
    assert again.returncode != 0
    assert 'role "prefect" already exists' in again.stderr
