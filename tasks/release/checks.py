"""What was expected of the rows of a release and what was found, as they are published."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CHECKS = "checks.json"
CHECKS_PAGE = "checks.html"


class Check(BaseModel):
    """One expectation of the rows.

    Attributes:
        table: The table that it is about; empty where there is one only.
        expected: What was expected, in words.
        found: What was found.
        severity: `critical` stops a release, `warning` does not.
        is_met: Whether it is as expected.
        broken_rows: Numbers of the first rows that are not, counted from 0 in the order in which
            they were checked; empty where it is not about single rows.
        values: What stands in them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    expected: str
    found: str
    severity: Literal["critical", "warning"]
    is_met: bool
    broken_rows: tuple[int, ...] = ()
    values: tuple[str, ...] = ()


class Checks(BaseModel):
    """All expectations of the rows of a day: synthetic rows, public numbers and constants.

    Attributes:
        region: Id of the region.
        name: Its name for people.
        service_day: The day.
        rows: Number of rows of each table.
        compared_with: Earlier days whose published rows these were compared with, newest first.
        checks: The expectations.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    name: str
    service_day: dt.date
    rows: Mapping[str, int]
    compared_with: tuple[dt.date, ...]
    checks: tuple[Check, ...] = Field(min_length=1)

    @property
    def worst_first(self) -> Sequence[Check]:
        """What stops a release, then what warns, then what is as expected."""
        return sorted(self.checks, key=lambda check: (check.is_met, check.severity))

    @property
    def stops(self) -> int:
        """How many critical expectations are not met."""
        return sum(not each.is_met and each.severity == "critical" for each in self.checks)

    @property
    def warns(self) -> int:
        """How many others are not met."""
        return sum(not each.is_met and each.severity == "warning" for each in self.checks)

    def content(self) -> bytes:
        """As JSON."""
        return (self.model_dump_json(indent=2) + "\n").encode()
