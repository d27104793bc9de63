"""A small table that one short training learns something of, and its account."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tasks.ledger import table_charge_request
from tasks.privacy.ledger import Ledger
from tasks.simulated import INCOMES, incomes
from tasks.synthesis.any_table import (
    Charging,
    TablePlan,
    make_table_plan,
    train_table,
    training_key,
)
from tasks.tables import Synthesis, to_lines

ROWS = 60
GUARANTEE = {
    "epsilon": 0.5,
    "delta": 1e-5,
    "source": "people",
    "first": "2025-01-01",
    "last": "2025-12-31",
}


def synthesis(**changes: Any) -> Synthesis:
    """What is synthesized in tests, with some keys changed."""
    return Synthesis.model_validate(
        {
            "name": "small",
            "table": INCOMES.model_dump(),
            "data": "rows.csv",
            "synthesizer": {"embedding": 4, "units": 8, "layers": 1, "batch": 20, "epochs": 2},
            "guarantee": None,
            **changes,
        }
    )


@pytest.fixture(scope="session")
def private_plan() -> TablePlan:
    """Its noise takes seconds to solve for."""
    return make_table_plan(synthesis(guarantee=GUARANTEE), ROWS)


@pytest.fixture(scope="session")
def lines() -> list[str]:
    return to_lines(incomes(ROWS, seed=1), INCOMES)


def train(
    plan: TablePlan, lines: list[str], directory: Path, ledger: Ledger | None, **more: Any
) -> dict[str, Any]:
    """Train in a directory, charged where the plan has a guarantee."""
    input_sha256 = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    fingerprint = training_key(plan.synthesis, len(lines), input_sha256)
    charging = None
    if ledger is not None and plan.mechanism is not None and plan.synthesis.guarantee is not None:
        request = table_charge_request(
            plan.synthesis.name,
            plan.synthesis.guarantee,
            mechanism=plan.describe(),
            fingerprint=fingerprint,
            steps_allowed=plan.mechanism.steps_allowed,
        )
        charging = Charging(ledger, request, "test")
    directory.mkdir(exist_ok=True)
    return train_table(plan, lines, directory, fingerprint, charging, **more)
