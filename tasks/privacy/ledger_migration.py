"""From the ledger's first version, which SQLite alone had, to the present one.

Version 1 knew one promise only: one trip, `zero_out`. Its charges had no public keys; they get
them here.
"""

from sqlalchemy import Connection

from tasks.privacy.ledger_schema import metadata

_RULES_OF_1 = (
    "cap_holds",
    "charges_stand",
    "no_refund",
    "no_refund_of_part",
    "no_change_of_part",
    "cap_stays",
    "account_stays",
)
_COPIES = (
    "INSERT INTO accounts SELECT source, start_at, end_at, 'trip', 'zero_out', cap_epsilon,"
    " cap_delta FROM accounts_1",
    "INSERT INTO charges SELECT id, lower(hex(randomblob(16))), fingerprint, region, service_day,"
    " 'trip', 'zero_out', mechanism, epsilon, delta, state, steps_allowed, steps_started, token,"
    " run_id, created_at, updated_at FROM charges_1",
    "INSERT INTO charged SELECT charge, source, start_at, end_at FROM charged_1",
)


def migrate_sqlite(connection: Connection) -> None:
    """Rewrite the tables of version 1, within the caller's transaction; triggers come after."""
    ask = connection.exec_driver_sql
    for rule in _RULES_OF_1:
        ask(f"DROP TRIGGER {rule}")
    ask("DROP INDEX charged_by_source")
    for table in ("charged", "charges", "accounts"):
        ask(f"ALTER TABLE {table} RENAME TO {table}_1")
    metadata.create_all(connection, checkfirst=False)
    for copy in _COPIES:
        ask(copy)
    for table in ("charged", "charges", "accounts"):
        ask(f"DROP TABLE {table}_1")
