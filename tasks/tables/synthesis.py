"""What is synthesized: a table, its data, the synthesizer, and the guarantee if there is one."""

import datetime as dt
from typing import Self

from pydantic import Field, model_validator

from tasks.region.model import Identifier
from tasks.region.settings import Settings
from tasks.tables.settings import CharLstm
from tasks.tables.table import PublicTable

NOT_PRIVATE = "not private: do not publish"
"""What everything says that was made without a guarantee."""


class RowGuarantee(Settings):
    """The promise of one synthesis, and the account that pays for it.

    The unit is one row. A neighbouring table has one row replaced by a null record, which
    contributes nothing; so the number of rows is public. It holds among tables that meet their
    schema: a table that does not is refused whole, before anything is charged.
    """

    epsilon: float = Field(1.0, gt=0, le=10, description="Privacy loss of the table, for one row.")
    delta: float = Field(
        1e-6,
        gt=0,
        lt=1e-4,
        description="Probability that the loss exceeds epsilon; at most 0.01 / rows.",
    )
    source: str = Field(
        min_length=1,
        max_length=500,
        description="Whose rows they are. The ledger keeps the account of each source and period; "
        "two tables of the same people have one source.",
    )
    first: dt.date = Field(description="First day, UTC, that the rows are from.")
    last: dt.date = Field(description="Last day that they are from.")

    @model_validator(mode="after")
    def _period_is_in_order(self) -> Self:
        if self.first > self.last:
            raise ValueError(f"first {self.first} is after last {self.last}; swap the two")
        return self

    @property
    def start(self) -> dt.datetime:
        """First instant of the period."""
        return dt.datetime.combine(self.first, dt.time(), dt.UTC)

    @property
    def end(self) -> dt.datetime:
        """First instant after it."""
        return dt.datetime.combine(self.last, dt.time(), dt.UTC) + dt.timedelta(days=1)


class Synthesis(Settings):
    """A table and the synthetic rows that are to be made of it."""

    name: Identifier
    table: PublicTable = Field(
        description="The public schema. In a file also the path of a schema's file, from there."
    )
    data: str = Field(
        min_length=1,
        description="The rows, private: a CSV file, with or without a header, or a Parquet file. "
        "In a file a path from there.",
    )
    rows: int | None = Field(
        None,
        ge=1,
        le=100_000_000,
        description="Synthetic rows to make. Default: as many as the data have.",
    )
    synthesizer: CharLstm = Field(default_factory=CharLstm)
    guarantee: RowGuarantee | None = Field(
        description=f"What is promised for each row, and the account that is charged; `null`: "
        f'nothing, and all that is made says "{NOT_PRIVATE}".'
    )
