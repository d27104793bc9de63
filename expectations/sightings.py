"""What a row of the private table of sightings must be. Broken rows are set aside, never a day."""

from expectations.suite import Suite, row_expectations, table_expectations
from tasks.schema import SIGHTINGS


def schema_suite() -> Suite:
    """Columns, order and types of the file; a matter of our code, not of the day."""
    return table_expectations(SIGHTINGS)


def row_suite() -> Suite:
    """What each row must be by itself."""
    return row_expectations(SIGHTINGS)
