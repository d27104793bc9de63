"""A day's model: charged first, counted where the number of trips is private, made, stored."""

import importlib.metadata
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.mobility.ends import count_ends
from tasks.privacy.accountant import ACCOUNTANT, RELATION
from tasks.privacy.budget import Budget
from tasks.privacy.errors import AccountingError
from tasks.privacy.fingerprint import code_version
from tasks.privacy.ledger import ChargeRequest, Ledger
from tasks.region.model import TripEnds, TripNet
from tasks.synthesis.attempt import Attempt, Progress
from tasks.synthesis.checkpoint import CHECKPOINT
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.field_training import measure_and_fit
from tasks.synthesis.measured import measured_count
from tasks.synthesis.model_file import StoredModel, save_model
from tasks.synthesis.network_training import train_network
from tasks.synthesis.plan import Plan, Rows
from tasks.synthesis.records import BoundedDay, bounded_day

_VERSIONED = ("tensorflow", "numpy", "dp-accounting")


def train(
    plan: Plan,
    request: ChargeRequest,
    ledger: Ledger,
    read_trips: Callable[[], pa.Table],
    directory: Path,
    run_id: str,
    facts: Mapping[str, Any],
    progress: Progress = lambda done, planned: None,
    check_rows: Callable[[Rows], None] = lambda rows: None,
) -> dict[str, Any]:
    """Reserve the budget, count if the number of trips is private, make the model, store it.

    Run again after a crash, it goes on: with the noisy count and the tables that were measured,
    or from the last checkpoint with the steps that its charge has left.

    Args:
        plan: What to make.
        request: What the ledger is asked for; its fingerprint is the plan's.
        ledger: The open ledger.
        read_trips: Reads the day's trips, or its starts and ends; called after the charge is on
            disk.
        directory: The model's directory.
        run_id: Who trains, for the ledger.
        facts: What else the model's manifest says; JSON values.
        progress: Told after every block of steps.
        check_rows: The public rule on the number of rows, where that is known only after the
            noisy count; it raises to refuse the day.

    Returns:
        The model's manifest.

    Raises:
        LedgerError: If the ledger refuses the charge, or another run takes it over.
        StepsSpentError: If the steps left do not reach the end of training, or something was
            begun to be measured and is lost.
        AccountingError: If the mechanism costs more than it is charged for.
        ModelFileError: If the trips are not as many as their manifest says.
    """
    cost = Budget(request.epsilon, request.delta).spend(plan.event())
    if plan.steps_allowed != request.steps_allowed:
        raise AccountingError(
            f"the plan is accounted for {plan.steps_allowed} steps, the charge allows "
            f"{request.steps_allowed}"
        )
    lease = ledger.reserve(request, run_id)
    read_day = cache(lambda: _read_day(plan, read_trips))
    rows = plan.records
    if plan.count is not None:
        rows, lease = measured_count(
            plan.count,
            ledger,
            lease,
            directory,
            request.fingerprint,
            lambda: _rows(plan, read_day()),
        )
        check_rows(rows)
    assert rows is not None
    make = train_network if isinstance(plan.settings, TripNet) else measure_and_fit
    made = make(
        Attempt(
            plan,
            request.service_day,
            rows,
            ledger,
            lease,
            request.fingerprint,
            directory,
            read_day,
            progress,
        )
    )
    privacy = {
        **plan.guarantee.model_dump(mode="json"),
        "mechanism": dict(made.mechanism),
        "count": plan.count_described,
        "steps_executed": made.steps_executed,
        "history": made.history,
        "neighbouring_relation": RELATION.name,
        "epsilon_pld": cost.pld,
        "epsilon_rdp": cost.rdp,
        "accountant": ACCOUNTANT,
        "charge": {"key": lease.charge_key, "sources": sorted(set(request.sources))},
    }
    versions = {name: importlib.metadata.version(name) for name in _VERSIONED}
    manifest = save_model(
        directory,
        StoredModel(plan.settings, rows, privacy),
        made.files,
        {**facts, "code_version": code_version(), "versions": versions},
    )
    (directory / CHECKPOINT).unlink(missing_ok=True)
    return manifest


def _read_day(plan: Plan, read_trips: Callable[[], pa.Table]) -> BoundedDay:
    day = bounded_day(plan.guarantee, read_trips())
    if plan.records not in (None, _rows(plan, day)):
        raise ModelFileError(
            "the trips are not as many as their manifest says; derive the day again"
        )
    return day


def _rows(plan: Plan, day: BoundedDay) -> Rows:
    """How many of what is measured a day has; private where it is not public."""
    if isinstance(plan.settings, TripEnds):
        counts = count_ends(day.trips)
        return counts["starts"], counts["ends"]
    return int(day.trips.num_rows)
