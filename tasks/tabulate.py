"""The table of a backfill: what became of each day of each region, for staff."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from prefect.artifacts import create_table_artifact

from tasks import OpentripsError, exchange
from tasks.foresee import Foresight, is_collected
from tasks.ledger import account_of
from tasks.region import Region
from tasks.step import step

Outcome = Literal[
    "published", "skipped", "refused", "failed", "would release", "would resume", "would publish"
]
_WOULD: dict[str, Outcome] = {
    "skip": "skipped",
    "release": "would release",
    "resume": "would resume",
    "publish": "would publish",
}
_HOW = {
    "release": "charged and trained",
    "resume": "went on from what was charged",
    "publish": "from its stored model",
}


@dataclass(frozen=True)
class DayRow:
    """What became of one day of a region, or would.

    Attributes:
        region: Id of the region.
        day: The service day, ISO text.
        outcome: In a word.
        charged: Epsilon that the region has charged on the day so far, in all attempts.
        burned: How much of it went into attempts that left no model.
        would_charge: Epsilon that the rest would charge at most; 0 but in a dry run.
        reason: Why, in one line; never a private row.
    """

    region: str
    day: str
    outcome: Outcome
    charged: float
    burned: float
    would_charge: float
    reason: str


def foreseen_row(region: Region, foreseen: Foresight) -> DayRow:
    """The row of a day that is skipped, or that would be worked on."""
    outcome = _WOULD[foreseen.would]
    return _row(region, foreseen.day, outcome, foreseen.reason, foreseen.epsilon)


def settled_row(
    region: Region, foreseen: Foresight, error: BaseException | None, since: dt.datetime
) -> DayRow:
    """The row of a day that was worked on.

    Args:
        region: The region.
        foreseen: What was to be done.
        error: What its release ended with.
        since: When that was begun, UTC.

    Raises:
        OpentripsError: If a store or the ledger cannot be read.
    """
    day = foreseen.day
    if exchange.has(exchange.release, region, day):
        return _row(region, day, "published", _HOW[foreseen.would])
    note = exchange.refusal_of(region, day)
    if note is not None and dt.datetime.fromisoformat(note["refused_at"]) >= since:
        return _row(region, day, "refused", note["reason"])
    if not is_collected(region, day):
        return _row(region, day, "skipped", "nothing collected")
    return failed_row(region, day, error)


def failed_row(region: Region, day: dt.date, error: BaseException | None) -> DayRow:
    """The row of a day that failed.

    Of an error that is not ours only the kind is told: its text may hold private rows.
    """
    kind = "no error" if error is None else type(error).__name__
    said = str(error) if isinstance(error, OpentripsError) else f"{kind}; its run's log says more"
    try:
        return _row(region, day, "failed", said)
    except OpentripsError:  # of the ledger, which then is what failed
        return DayRow(region.id, day.isoformat(), "failed", 0.0, 0.0, 0.0, said)


def _row(
    region: Region, day: dt.date, outcome: Outcome, reason: str, would_charge: float = 0.0
) -> DayRow:
    own = [
        charge
        for charge in account_of(region)
        if charge.region == region.id and charge.service_day == day.isoformat()
    ]
    burned = sum(charge.epsilon for charge in own if charge.state == "burned")
    charged = sum(charge.epsilon for charge in own)
    return DayRow(region.id, day.isoformat(), outcome, charged, burned, would_charge, reason)


def summary(rows: Sequence[DayRow]) -> str:
    """How many days had which outcome, and what is charged, for people."""
    counts = Counter(row.outcome for row in rows)
    said = ", ".join(f"{counts[name]} {name}" for name in sorted(counts)) or "no days"
    due = [row.would_charge for row in rows if row.would_charge]
    if due:
        said += f"; {len(due)} would be charged, at most epsilon {max(due):g} a day"
    return f"{len(rows)} days: {said}"


@step("tabulate")
def tabulate(rows: Sequence[DayRow], title: str) -> list[dict[str, Any]]:
    """Make an artifact of the rows of a backfill.

    Args:
        rows: What became of each day.
        title: What the table is of.

    Returns:
        The rows as JSON values.
    """
    table = [asdict(row) for row in rows]
    create_table_artifact(key="backfill", table=table, description=f"{title}. {summary(rows)}")
    return table
