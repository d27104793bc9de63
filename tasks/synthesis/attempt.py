"""One attempt at a day's model, charged already, as every synthesizer is given it."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.privacy.ledger import Lease, Ledger
from tasks.synthesis.plan import Plan, Rows
from tasks.synthesis.records import BoundedDay

Progress = Callable[[int, int], None]
"""Called with steps done and steps planned; both are public."""


@dataclass(frozen=True)
class Attempt:
    """What a synthesizer works with.

    Attributes:
        plan: What was charged for.
        day: The service day.
        rows: Number of trips, or of starts and ends: public under `zero_out`, noisy counts under
            `add_remove`.
        ledger: The open ledger.
        lease: The holder's lease on the charge.
        fingerprint: The charge's.
        directory: The model's directory.
        read_day: Gives the day, private; reads it once, when first called.
        progress: Told what is done.
    """

    plan: Plan
    day: dt.date
    rows: Rows
    ledger: Ledger
    lease: Lease
    fingerprint: str
    directory: Path
    read_day: Callable[[], BoundedDay]
    progress: Progress


@dataclass(frozen=True)
class Made:
    """What came of it.

    Attributes:
        files: Names of the files of the model, in its directory.
        mechanism: What ran, as the public manifest names it; JSON values.
        steps_executed: Steps that the ledger counted, but for the noisy count.
        history: The measured days that stand behind the model; JSON values.
    """

    files: list[str]
    mechanism: Mapping[str, Any]
    steps_executed: int
    history: Mapping[str, Any] | None = None
