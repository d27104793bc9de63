"""Training a day's model: charged first, counted before it runs, resumable, fixed in length."""

import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import dp_accounting
import pyarrow as pa

from tasks.privacy.accountant import ACCOUNTANT, RELATION, solve_noise
from tasks.privacy.budget import Budget
from tasks.privacy.counts import NoisyCount
from tasks.privacy.errors import AccountingError, LedgerError, StepsSpentError
from tasks.privacy.fingerprint import code_version, fingerprint
from tasks.privacy.ledger import ChargeRequest, Lease, Ledger
from tasks.privacy.mechanism import Composition, SubsampledGaussian
from tasks.region.guarantee import Guarantee
from tasks.region.model import TripNet
from tasks.synthesis.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from tasks.synthesis.dpsgd import OPTIMIZERS, DpSgd, Optimizer
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.grid import Grid
from tasks.synthesis.measured import measured_count
from tasks.synthesis.model_file import StoredModel, save_model
from tasks.synthesis.records import DayRecords, encode_day
from tasks.synthesis.trip_net import TripNetwork

Progress = Callable[[int, int], None]
"""Called with steps done and steps planned; both are public."""

COUNT_SHARE = 0.05
"""Share of epsilon that the noisy count takes under `add_remove`; a public constant."""


@dataclass(frozen=True)
class Plan:
    """Everything about a training that is decided before a private row is read; all public.

    Attributes:
        guarantee: What the release promises.
        grid: The public grid.
        settings: The synthesizer's settings.
        records: Number of trips n of the day, public under `zero_out`; None where it is private.
        mechanism: DP-SGD's mechanism, its noise solved for the guarantee.
        count: The noisy count of trips that comes first under `add_remove`.
    """

    guarantee: Guarantee
    grid: Grid
    settings: TripNet
    records: int | None
    mechanism: SubsampledGaussian
    count: NoisyCount | None = None

    def event(self) -> dp_accounting.DpEvent:
        """The event of everything that the charge pays for."""
        parts = (self.count, self.mechanism) if self.count else (self.mechanism,)
        return Composition(parts).event()

    @property
    def steps_allowed(self) -> int:
        """Most steps that may be started under the charge; the count is one of them."""
        return self.mechanism.steps_allowed + (1 if self.count else 0)

    def describe(self) -> dict[str, Any]:
        """All fields as JSON values: what makes this training this training."""
        return {
            "synthesizer": self.settings.model_dump(mode="json"),
            "grid": self.grid.describe(),
            "guarantee": self.guarantee.model_dump(mode="json"),
            "records": self.records,
            "mechanism": asdict(self.mechanism),
            "count": self.count.describe() if self.count else None,
            "event": repr(self.event()),
        }

    def fingerprint(self, input_sha256: str) -> str:
        """The idempotency key of this training on an input, by this code."""
        return fingerprint(self.describe(), code_version(), input_sha256)

    @property
    def block_steps(self) -> int:
        """Steps counted at once, so that the reserve outlasts four crashes."""
        return max(1, self.settings.reserve_steps // 4)


def make_plan(guarantee: Guarantee, grid: Grid, settings: TripNet, records: int | None) -> Plan:
    """Solve for the noise; no private row is needed.

    Args:
        guarantee: What the release promises.
        grid: The public grid.
        settings: The synthesizer's settings.
        records: Number of trips n of the day under `zero_out`; None under `add_remove`.

    Raises:
        TargetUnreachableError: If no noise meets the guarantee.
    """
    if (records is None) != (guarantee.adjacency == "add_remove"):
        raise ValueError("the number of trips goes into the plan under zero_out, and only there")

    count = None
    if records is None:
        count = NoisyCount.within(COUNT_SHARE * guarantee.epsilon, guarantee.trips_per_unit)

    def plan(noise: float) -> Plan:
        mechanism = SubsampledGaussian(
            settings.sampling_probability,
            noise,
            settings.steps,
            settings.reserve_steps,
            settings.l2_norm_clip,
        )
        return Plan(guarantee, grid, settings, records, mechanism, count)

    return solve_noise(guarantee, plan)


def train(
    plan: Plan,
    request: ChargeRequest,
    ledger: Ledger,
    read_trips: Callable[[], pa.Table],
    directory: Path,
    run_id: str,
    facts: Mapping[str, Any],
    progress: Progress = lambda done, planned: None,
    check_rows: Callable[[int], None] = lambda rows: None,
) -> dict[str, Any]:
    """Reserve the budget, count if the number of trips is private, train, store the model.

    Run again after a crash, it goes on from the last checkpoint with the steps that its charge
    has left, and with the noisy count that was measured.

    Args:
        plan: What to train.
        request: What the ledger is asked for; its fingerprint is the plan's.
        ledger: The open ledger.
        read_trips: Reads the day's trips; called after the charge is on disk.
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
        StepsSpentError: If the steps left do not reach the end of training, or the noisy count
            was begun and is lost.
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
    day = _Day(plan, read_trips)
    rows = plan.records
    if plan.count is not None:
        rows, lease = measured_count(
            plan.count, ledger, lease, directory, request.fingerprint, lambda: day.records.trips
        )
        check_rows(rows)
    assert rows is not None
    network = TripNetwork(plan.grid, plan.settings)
    optimizer = load_checkpoint(directory, request.fingerprint) or OPTIMIZERS[
        plan.settings.optimizer
    ].start(network.start(), plan.settings.learning_rate, plan.settings.weight_averaging)
    _refuse_uncounted(lease, optimizer.steps)
    _refuse_beyond_reserve(plan, ledger, lease, optimizer.steps)
    if optimizer.steps < plan.mechanism.steps:
        save = partial(save_checkpoint, directory, request.fingerprint, optimizer)
        engine = _engine(plan, network, optimizer, day.records, rows)
        _run_steps(plan, ledger, lease, engine, save, progress)
    ledger.finish(lease)
    privacy = {
        **plan.guarantee.model_dump(mode="json"),
        "mechanism": "DP-SGD: Gaussian noise on clipped sums over Poisson-sampled records",
        **asdict(plan.mechanism),
        "count": plan.count.describe() if plan.count else None,
        "steps_executed": ledger.lease_now(lease).steps_started - (1 if plan.count else 0),
        "neighbouring_relation": RELATION.name,
        "epsilon_pld": cost.pld,
        "epsilon_rdp": cost.rdp,
        "accountant": ACCOUNTANT,
        "charge": {"key": lease.charge_key, "sources": sorted(set(request.sources))},
    }
    model = StoredModel(plan.settings, plan.grid, rows, privacy, optimizer.averaged)
    versions = {name: importlib.metadata.version(name) for name in _VERSIONED}
    manifest = save_model(
        directory,
        model,
        network.shapes,
        {**facts, "code_version": code_version(), "versions": versions},
    )
    (directory / CHECKPOINT).unlink(missing_ok=True)
    return manifest


_VERSIONED = ("tensorflow", "numpy", "dp-accounting")


def _refuse_uncounted(lease: Lease, done: int) -> None:
    """Refuse to go on from steps that the ledger does not know, as one from an old backup."""
    if done > lease.steps_started:
        raise LedgerError(
            f"charge {lease.charge}: the checkpoint has run {done} steps, the ledger knows of "
            f"{lease.steps_started}: it is older than the checkpoint; restore its newest backup"
        )


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


@dataclass(frozen=True)
class _Day:
    """The day's records, read at most once by an attempt and only when they are needed."""

    plan: Plan
    read_trips: Callable[[], pa.Table]

    @cached_property
    def records(self) -> DayRecords:
        records = encode_day(self.plan.grid, self.plan.guarantee, self.read_trips())
        if self.plan.records not in (None, records.trips):
            raise ModelFileError(
                "the trips are not as many as their manifest says; derive the day again"
            )
        return records


def _engine(
    plan: Plan, network: TripNetwork, optimizer: Optimizer, records: DayRecords, rows: int
) -> DpSgd:
    """Begin an attempt on the day's records with fresh keys.

    The divisor is made of the public number of rows. Under `vehicle_day` it is a number of trips
    too: what is summed over vehicles is a sum over their trips.
    """
    per_vehicle = plan.guarantee.unit == "vehicle_day"
    run = plan.mechanism.begin(len(records.tokens), rows)
    return DpSgd(network, records.tokens, run, optimizer, per_vehicle=per_vehicle)


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
