"""The ledger's tables. What must never happen is forbidden here, in the database.

An account is a source system over a UTC interval, with a promise (unit and adjacency) and a cap,
all frozen when it is made. A charge is one mechanism on one service day; it charges one or more
accounts. For each account, the charges that overlap its interval sum to at most its cap and make
the same promise. Nothing is ever refunded, lowered or deleted. Times are text, ISO 8601 in UTC
to the second, so that they sort.

The rules are declared once, as conditions that SQLite and PostgreSQL both read, and become
triggers of either.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

SCHEMA_VERSION = 2

TOLERANCE = 1e-9
"""Relative slack of the cap for sums of binary fractions."""

STATES = ("reserved", "running", "trained", "burned")
UNITS = ("trip", "vehicle_day")
ADJACENCIES = ("zero_out", "add_remove")

LOCK = 0x6F70656E74726970
"""PostgreSQL's advisory lock that a writer to the ledger holds until its transaction ends."""

_text = Text().with_variant(Text(collation="C"), "postgresql")  # so that times sort as in SQLite


def _finite(column: str, sign: str = "> 0") -> CheckConstraint:
    """A number within sane bounds; in PostgreSQL, not-a-number is larger than any of them."""
    return CheckConstraint(f"{column} {sign} AND {column} <= 1000000")


metadata = MetaData()

accounts = Table(
    "accounts",
    metadata,
    Column("source", _text, primary_key=True),
    Column("start_at", _text, primary_key=True),
    Column("end_at", _text, primary_key=True),
    Column("unit", _text, CheckConstraint(f"unit IN {UNITS}"), nullable=False),
    Column("adjacency", _text, CheckConstraint(f"adjacency IN {ADJACENCIES}"), nullable=False),
    Column("cap_epsilon", Double, _finite("cap_epsilon"), nullable=False),
    Column("cap_delta", Double, _finite("cap_delta", ">= 0"), nullable=False),
    CheckConstraint("start_at < end_at"),
)

charges = Table(
    "charges",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("charge_key", _text, CheckConstraint("length(charge_key) = 32"), nullable=False),
    Column("fingerprint", _text, nullable=False),
    Column("region", _text, nullable=False),
    Column("service_day", _text, nullable=False),
    Column("unit", _text, CheckConstraint(f"unit IN {UNITS}"), nullable=False),
    Column("adjacency", _text, CheckConstraint(f"adjacency IN {ADJACENCIES}"), nullable=False),
    Column("mechanism", _text, nullable=False),
    Column("epsilon", Double, _finite("epsilon"), nullable=False),
    Column("delta", Double, _finite("delta", ">= 0"), nullable=False),
    Column("state", _text, CheckConstraint(f"state IN {STATES}"), nullable=False),
    Column("steps_allowed", Integer, _finite("steps_allowed"), nullable=False),
    Column(
        "steps_started",
        Integer,
        CheckConstraint("steps_started BETWEEN 0 AND steps_allowed"),
        nullable=False,
    ),
    Column("token", Integer, _finite("token"), nullable=False),
    Column("run_id", _text, nullable=False),
    Column("created_at", _text, nullable=False),
    Column("updated_at", _text, nullable=False),
    Index("one_charge_of_a_fingerprint", "fingerprint", unique=True),
    Index("one_charge_of_a_key", "charge_key", unique=True),
    sqlite_autoincrement=True,  # an id is never given out twice
)

charged = Table(
    "charged",
    metadata,
    Column("charge", ForeignKey("charges.id"), primary_key=True),
    Column("source", _text, primary_key=True),
    Column("start_at", _text, nullable=False),
    Column("end_at", _text, nullable=False),
    ForeignKeyConstraint(
        ["source", "start_at", "end_at"],
        ["accounts.source", "accounts.start_at", "accounts.end_at"],
    ),
    Index("charged_by_source", "source", "start_at", "end_at"),
)


@dataclass(frozen=True)
class Rule:
    """What the database refuses, whoever asks.

    Attributes:
        name: Name of the trigger.
        table: The table it guards.
        moment: When it is asked, such as `BEFORE INSERT`.
        condition: What must not be, in terms of NEW and OLD.
        text: What the database then says.
    """

    name: str
    table: str
    moment: str
    condition: str
    text: str


STANDS = "a charge stands as it was made"
FROZEN = "an account is frozen"
NO_REFUND = "no refunds"
OVER_THE_CAP = "over the cap"
ANOTHER_PROMISE = "another promise"

_FIXED = [
    column.name
    for column in charges.columns
    if column.name not in ("state", "steps_started", "token", "run_id", "updated_at")
]
_OVERLAPPING = (
    "accounts.source = NEW.source AND accounts.start_at < NEW.end_at"
    " AND accounts.end_at > NEW.start_at"
)

RULES = (
    # INSERT OR REPLACE deletes what it replaces without asking the rule about DELETE, unless a
    # program has turned `recursive_triggers` on.
    Rule(
        "charges_are_not_replaced",
        "charges",
        "BEFORE INSERT",
        "EXISTS (SELECT 1 FROM charges WHERE id = NEW.id OR fingerprint = NEW.fingerprint"
        " OR charge_key = NEW.charge_key)",
        STANDS,
    ),
    Rule(
        "charges_stand",
        "charges",
        "BEFORE UPDATE",
        " OR ".join(f"NEW.{name} <> OLD.{name}" for name in _FIXED)
        + " OR NEW.steps_started < OLD.steps_started OR NEW.token < OLD.token"
        " OR (OLD.state <> NEW.state AND (OLD.state IN ('trained', 'burned')"
        " OR NEW.state = 'reserved'))"
        " OR (OLD.state IN ('trained', 'burned') AND NEW.steps_started <> OLD.steps_started)",
        STANDS,
    ),
    Rule("charges_are_not_refunded", "charges", "BEFORE DELETE", "1 = 1", NO_REFUND),
    # A program of SQLite may have turned foreign keys and checks off.
    Rule(
        "parts_are_whole",
        "charged",
        "BEFORE INSERT",
        "EXISTS (SELECT 1 FROM charged WHERE charge = NEW.charge AND source = NEW.source)"
        " OR NOT EXISTS (SELECT 1 FROM charges"
        " WHERE id = NEW.charge AND epsilon > 0 AND delta >= 0)"
        " OR NOT EXISTS (SELECT 1 FROM accounts WHERE source = NEW.source"
        " AND start_at = NEW.start_at AND end_at = NEW.end_at)",
        STANDS,
    ),
    Rule("parts_stand", "charged", "BEFORE UPDATE", "1 = 1", NO_REFUND),
    Rule("parts_are_not_refunded", "charged", "BEFORE DELETE", "1 = 1", NO_REFUND),
    Rule(
        "accounts_are_not_replaced",
        "accounts",
        "BEFORE INSERT",
        "EXISTS (SELECT 1 FROM accounts WHERE source = NEW.source"
        " AND start_at = NEW.start_at AND end_at = NEW.end_at)",
        FROZEN,
    ),
    Rule("accounts_stand", "accounts", "BEFORE UPDATE", "1 = 1", FROZEN),
    Rule("accounts_stay", "accounts", "BEFORE DELETE", "1 = 1", FROZEN),
    Rule(
        "a_promise_holds",
        "charged",
        "AFTER INSERT",
        "EXISTS (SELECT 1 FROM accounts JOIN charges ON charges.id = NEW.charge"
        f" WHERE {_OVERLAPPING}"
        " AND (charges.unit <> accounts.unit OR charges.adjacency <> accounts.adjacency))",
        ANOTHER_PROMISE,
    ),
    Rule(
        "the_cap_holds",
        "charged",
        "AFTER INSERT",
        "EXISTS (SELECT 1 FROM accounts"
        " JOIN charged ON charged.source = accounts.source"
        " AND charged.start_at < accounts.end_at AND charged.end_at > accounts.start_at"
        " JOIN charges ON charges.id = charged.charge"
        f" WHERE {_OVERLAPPING}"
        " GROUP BY accounts.start_at, accounts.end_at, accounts.cap_epsilon, accounts.cap_delta"
        f" HAVING sum(charges.epsilon) > accounts.cap_epsilon * (1 + {TOLERANCE})"
        f" OR sum(charges.delta) > accounts.cap_delta * (1 + {TOLERANCE}))",
        OVER_THE_CAP,
    ),
)


def sqlite_triggers() -> Iterator[str]:
    """The rules as statements of SQLite."""
    for rule in RULES:
        yield (
            f"CREATE TRIGGER {rule.name} {rule.moment} ON {rule.table} WHEN {rule.condition}"
            f" BEGIN SELECT RAISE(ABORT, '{rule.text}'); END"
        )


def postgresql_triggers(schema: str) -> Iterator[str]:
    """The rules as statements of PostgreSQL.

    A sum over rows that other transactions add is true only if they wait for each other and see
    what was committed while they waited. So a writer takes a lock, and at an isolation level
    that would show it an old state it is refused.

    Args:
        schema: The schema of the tables, quoted as SQL wants it. Rules look nowhere else.
    """
    wait = (
        "IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')"
        " THEN RAISE EXCEPTION 'charge at isolation level read committed'; END IF;"
        f" PERFORM pg_advisory_xact_lock({LOCK}); "
    )
    for rule in RULES:
        yield from _postgresql_trigger(
            schema,
            rule,
            f"{wait if rule.moment == 'AFTER INSERT' else ''}IF {rule.condition} THEN RAISE"
            f" EXCEPTION '{rule.text}' USING ERRCODE = 'integrity_constraint_violation';"
            " END IF; RETURN NEW;",
            "ROW",
        )
    for table in metadata.tables:
        rule = Rule(f"{table}_are_not_truncated", table, "BEFORE TRUNCATE", "", NO_REFUND)
        body = f"RAISE EXCEPTION '{rule.text}' USING ERRCODE = 'integrity_constraint_violation';"
        yield from _postgresql_trigger(schema, rule, body, "STATEMENT")


def _postgresql_trigger(schema: str, rule: Rule, body: str, each: str) -> Iterator[str]:
    yield (
        f"CREATE FUNCTION {rule.name}() RETURNS trigger LANGUAGE plpgsql"
        f" SET search_path = {schema}, pg_temp AS $$ BEGIN {body} END $$"
    )
    yield (
        f"CREATE TRIGGER {rule.name} {rule.moment} ON {rule.table}"
        f" FOR EACH {each} EXECUTE FUNCTION {rule.name}()"
    )
    yield f"ALTER TABLE {rule.table} ENABLE ALWAYS TRIGGER {rule.name}"
