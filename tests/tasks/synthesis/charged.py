"""Days that are charged and made into models, in a directory of their own."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.privacy.ledger import ChargeRequest, Ledger
from tasks.region import Box
from tasks.synthesis.plan import Plan
from tasks.synthesis.training import train

ROWS = 600
BOX = Box(name="north-town", south=52.3, west=10.6, north=52.5, east=10.9)


def request_for(plan: Plan, input_sha256: str = "input") -> ChargeRequest:
    start = dt.datetime(2026, 5, 20, tzinfo=dt.UTC)
    return ChargeRequest(
        sources=("fleet",),
        start=start,
        end=start + dt.timedelta(days=1),
        region="demo",
        service_day=start.date(),
        mechanism=plan.describe(),
        epsilon=plan.guarantee.epsilon,
        delta=plan.guarantee.delta,
        cap_epsilon=plan.guarantee.epsilon,
        cap_delta=plan.guarantee.delta,
        fingerprint=plan.fingerprint(input_sha256),
        steps_allowed=plan.steps_allowed,
    )


class StopError(Exception):
    """Ends a training from inside, as a crash would."""


def train_in(
    directory: Path,
    plan: Plan,
    read_trips: Callable[[], pa.Table],
    stop_at: int | None = None,
    request: ChargeRequest | None = None,
    seen: list[int] | None = None,
) -> dict[str, Any]:
    def progress(done: int, planned: int) -> None:
        if seen is not None:
            seen.append(done)
        if stop_at is not None and done >= stop_at:
            raise StopError

    with Ledger(directory / "ledger.sqlite") as ledger:
        return train(
            plan,
            request or request_for(plan),
            ledger,
            read_trips,
            directory / "model",
            "run",
            {"region": "demo"},
            progress,
        )


def charge_in(directory: Path) -> tuple[str, int]:
    with Ledger(directory / "ledger.sqlite") as ledger:
        (charge,) = ledger.charges()
    return charge.state, charge.steps_started


def never() -> pa.Table:
    """Reads what must not be read again."""
    raise AssertionError("read again")
