"""A table's model: charged first where a guarantee is given, trained, stored.

All steps are counted before the first one runs, and none is run twice: a training that ends before
its model is stored has spent its budget, and its charge is burned.
"""

import datetime as dt
import importlib.metadata
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.files import read_manifest, write_manifest
from tasks.privacy.accountant import ACCOUNTANT, RELATION
from tasks.privacy.budget import Budget
from tasks.privacy.errors import AccountingError, StepsSpentError
from tasks.privacy.fingerprint import code_version
from tasks.privacy.ledger import ChargeRequest, Lease, Ledger
from tasks.synthesis.any_table.plan import ENGINES, TablePlan
from tasks.synthesis.char_lstm import (
    CharNetwork,
    TrainedCharNetwork,
    save_char_network,
    train_privately,
)
from tasks.synthesis.char_lstm.plain import train_plainly
from tasks.tables import NOT_PRIVATE

VERSIONED = ("tensorflow", "numpy", "dp-accounting")

Progress = Callable[[int, int], None]
"""Called with what is done and what is planned; both are public."""


@dataclass(frozen=True)
class Charging:
    """Who pays for a training with a guarantee.

    Attributes:
        ledger: The open ledger.
        request: What it is asked for.
        run_id: Who trains, for the ledger.
    """

    ledger: Ledger
    request: ChargeRequest
    run_id: str


def train_table(
    plan: TablePlan,
    lines: Sequence[str],
    directory: Path,
    fingerprint: str,
    charging: Charging | None,
    progress: Progress = lambda done, planned: None,
) -> dict[str, Any]:
    """Charge, train, store.

    Args:
        plan: What to train.
        lines: The rows as lines, private.
        directory: The model's directory; it exists, and no other process writes to it.
        fingerprint: The training's key, on these rows.
        charging: Who pays; None where the plan has no guarantee.
        progress: Told what is done of steps, or of epochs where there is no guarantee.

    Returns:
        The model's manifest.

    Raises:
        LedgerError: If the ledger refuses the charge.
        StepsSpentError: If a training of the same rows was charged and ended without a model.
        AccountingError: If the mechanism costs more than it is charged for.
    """
    if (plan.mechanism is None) != (charging is None):
        raise AccountingError("a training is charged if it has a guarantee, and only then")
    network = CharNetwork(plan.synthesis.table, plan.synthesis.synthesizer)
    records = network.encode(lines)
    if charging is None or plan.mechanism is None:
        epochs = network.settings.epochs
        weights = train_plainly(
            network, records, secrets.randbits(31), lambda epoch, loss: progress(epoch, epochs)
        )
        return _store(plan, TrainedCharNetwork(network, weights), directory, fingerprint, None)
    cost = Budget(charging.request.epsilon, charging.request.delta).spend(plan.mechanism.event())
    lease = _start(charging)
    weights = train_privately(network, records, plan.mechanism, progress)
    charging.ledger.finish(lease)
    privacy = {
        **plan.describe()["guarantee"],
        "mechanism": {"name": "dp_sgd", **plan.mechanism.describe()},
        "steps_executed": plan.mechanism.steps,
        "neighbouring_relation": RELATION.name,
        "epsilon_pld": cost.pld,
        "epsilon_rdp": cost.rdp,
        "accountant": ACCOUNTANT,
        "charge": {"key": lease.charge_key, "sources": sorted(set(charging.request.sources))},
    }
    return _store(plan, TrainedCharNetwork(network, weights), directory, fingerprint, privacy)


def _start(charging: Charging) -> Lease:
    """Reserve the budget and count all steps, before the first."""
    ledger, request = charging.ledger, charging.request
    lease = ledger.reserve(request, charging.run_id)
    if lease.steps_started > 0:
        if lease.state != "trained":
            ledger.burn(lease)
        raise StepsSpentError(
            f"charge {lease.charge} ({request.region}): its training ended before the model was "
            "stored, so its budget is spent; restore the model from a backup, or leave it"
        )
    ledger.start_steps(lease, request.steps_allowed)
    return lease


def _store(
    plan: TablePlan,
    trained: TrainedCharNetwork,
    directory: Path,
    fingerprint: str,
    privacy: Mapping[str, Any] | None,
) -> dict[str, Any]:
    files = save_char_network(directory, trained)
    fields = {
        "synthesis": plan.synthesis.name,
        "records": plan.records,
        "privacy": NOT_PRIVATE if privacy is None else dict(privacy),
        "fingerprint": fingerprint,
        "trained_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "code_version": code_version(engines=ENGINES),
        "versions": {name: importlib.metadata.version(name) for name in VERSIONED},
    }
    write_manifest(directory, fields, files)
    manifest = read_manifest(directory)
    assert manifest is not None
    return manifest
