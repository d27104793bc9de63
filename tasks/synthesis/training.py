"""Training a day's model: charged first, counted before it runs, resumable, fixed in length."""

import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.privacy.accountant import ACCOUNTANT, RELATION, epsilons, solve_noise_multiplier
from tasks.privacy.errors import AccountingError, StepsSpentError
from tasks.privacy.fingerprint import code_version, fingerprint
from tasks.privacy.ledger import ChargeRequest, Lease, Ledger
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region.guarantee import Guarantee
from tasks.region.model import TripNet
from tasks.synthesis.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from tasks.synthesis.dpsgd import OPTIMIZERS, DpSgd, Optimizer
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.grid import Grid
from tasks.synthesis.model_file import StoredModel, save_model
from tasks.synthesis.trip_net import TripNetwork

Progress = Callable[[int, int], None]
"""Called with steps done and steps planned; both are public."""


@dataclass(frozen=True)
class Plan:
    """Everything about a training that is decided before a private row is read; all public.

    Attributes:
        guarantee: What the release promises.
        grid: The public grid.
        settings: The synthesizer's settings.
        records: Number of trips n of the day; public under `zero_out`.
        mechanism: DP-SGD's mechanism, its noise solved for the guarantee.
    """

    guarantee: Guarantee
    grid: Grid
    settings: TripNet
    records: int
    mechanism: SubsampledGaussian

    def describe(self) -> dict[str, Any]:
        """All fields as JSON values: what makes this training this training."""
        return {
            "synthesizer": self.settings.model_dump(mode="json"),
            "grid": {
                "boxes": [box.model_dump(mode="json") for box in self.grid.boxes],
                "levels": self.grid.levels,
            },
            "guarantee": self.guarantee.model_dump(mode="json"),
            "records": self.records,
            "mechanism": asdict(self.mechanism),
            "event": repr(self.mechanism.event()),
        }

    def fingerprint(self, input_sha256: str) -> str:
        """The idempotency key of this training on an input, by this code."""
        return fingerprint(self.describe(), code_version(), input_sha256)

    @property
    def block_steps(self) -> int:
        """Steps counted at once, so that the reserve outlasts four crashes."""
        return max(1, self.settings.reserve_steps // 4)


def make_plan(guarantee: Guarantee, grid: Grid, settings: TripNet, records: int) -> Plan:
    """Solve for the noise; no private row is needed.

    Raises:
        TargetUnreachableError: If no noise meets the guarantee.
    """
    mechanism = solve_noise_multiplier(
        guarantee,
        settings.sampling_probability,
        settings.steps,
        settings.reserve_steps,
        settings.l2_norm_clip,
    )
    return Plan(guarantee, grid, settings, records, mechanism)


def train(
    plan: Plan,
    request: ChargeRequest,
    ledger: Ledger,
    read_trips: Callable[[], pa.Table],
    directory: Path,
    run_id: str,
    facts: Mapping[str, Any],
    progress: Progress = lambda done, planned: None,
) -> dict[str, Any]:
    """Reserve the budget, train, store the model.

    Run again after a crash, it goes on from the last checkpoint with the steps that its charge
    has left.

    Args:
        plan: What to train.
        request: What the ledger is asked for; its fingerprint is the plan's.
        ledger: The open ledger.
        read_trips: Reads the day's trips; called after the charge is on disk.
        directory: The model's directory.
        run_id: Who trains, for the ledger.
        facts: What else the model's manifest says; JSON values.
        progress: Told after every block of steps.

    Returns:
        The model's manifest.

    Raises:
        LedgerError: If the ledger refuses the charge, or another run takes it over.
        StepsSpentError: If the steps left do not reach the end of training.
        AccountingError: If the mechanism costs more than it is charged for.
        ModelFileError: If the trips are not as many as their manifest says.
    """
    cost = epsilons(plan.mechanism.event(), request.delta)
    if cost.pld > request.epsilon or plan.mechanism.steps_allowed != request.steps_allowed:
        raise AccountingError(
            f"the mechanism costs epsilon {cost.pld:.6g} over {plan.mechanism.steps_allowed} "
            f"steps, the charge is for {request.epsilon:g} over {request.steps_allowed}"
        )
    lease = ledger.reserve(request, run_id)
    network = TripNetwork(plan.grid, plan.settings)
    optimizer = load_checkpoint(directory, request.fingerprint) or OPTIMIZERS[
        plan.settings.optimizer
    ].start(network.start(), plan.settings.learning_rate, plan.settings.weight_averaging)
    _refuse_beyond_reserve(plan, ledger, lease, optimizer.steps)
    if optimizer.steps < plan.mechanism.steps:
        save = partial(save_checkpoint, directory, request.fingerprint, optimizer)
        engine = _engine(plan, network, optimizer, read_trips)
        _run_steps(plan, ledger, lease, engine, save, progress)
    ledger.finish(lease)
    privacy = {
        **plan.guarantee.model_dump(mode="json"),
        "mechanism": "DP-SGD: Gaussian noise on clipped sums over Poisson-sampled trips",
        **asdict(plan.mechanism),
        "steps_executed": ledger.lease_now(lease).steps_started,
        "neighbouring_relation": RELATION.name,
        "epsilon_pld": cost.pld,
        "epsilon_rdp": cost.rdp,
        "accountant": ACCOUNTANT,
    }
    model = StoredModel(plan.settings, plan.grid, plan.records, privacy, optimizer.averaged)
    versions = {name: importlib.metadata.version(name) for name in _VERSIONED}
    manifest = save_model(
        directory,
        model,
        network.shapes,
        {**facts, "charge": lease.charge, "code_version": code_version(), "versions": versions},
    )
    (directory / CHECKPOINT).unlink(missing_ok=True)
    return manifest


_VERSIONED = ("tensorflow", "numpy", "dp-accounting")


def _refuse_beyond_reserve(plan: Plan, ledger: Ledger, lease: Lease, done: int) -> None:
    """Refuse to resume where the steps left in the charge cannot reach the end."""
    needed = plan.mechanism.steps - done
    left = lease.steps_allowed - lease.steps_started
    if needed <= left:
        return
    if lease.state != "trained":
        ledger.burn(lease)
    raise StepsSpentError(
        f"charge {lease.charge}: {needed} steps are missing but only {left} of "
        f"{lease.steps_allowed} are left, reserve included; the day cannot be trained again"
    )


def _engine(
    plan: Plan,
    network: TripNetwork,
    optimizer: Optimizer,
    read_trips: Callable[[], pa.Table],
) -> DpSgd:
    """Read and encode the day's trips and begin an attempt with fresh keys."""
    records = plan.grid.encode(read_trips())
    if len(records) != plan.records:
        raise ModelFileError(
            "the trips are not as many as their manifest says; derive the day again"
        )
    return DpSgd(network, records, plan.mechanism.begin(len(records)), optimizer)


def _run_steps(
    plan: Plan,
    ledger: Ledger,
    lease: Lease,
    engine: DpSgd,
    save: Callable[[], None],
    progress: Progress,
) -> None:
    """The steps that are missing, in blocks: count durably, run, checkpoint."""
    started = lease.steps_started
    while engine.steps < plan.mechanism.steps:
        block = min(plan.block_steps, plan.mechanism.steps - engine.steps)
        started += block
        ledger.start_steps(lease, started)
        for _ in range(block):
            engine.step()
        save()
        progress(engine.steps, plan.mechanism.steps)
