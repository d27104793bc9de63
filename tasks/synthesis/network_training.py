"""`trip_net` under the ledger: steps counted before they run, resumable, fixed in number.

A training starts from the weights of the day of the region that was trained before it, if its
network is the same. They are differentially private for that day's trips and know nothing of this
day's, so they cost nothing: days are disjoint, and each day's mechanism keeps its guarantee
whatever start it is given (McSherry 2009, "Privacy integrated queries": parallel composition).
The more days stand behind it, the shorter are its steps, as a mean over days moves less with each.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tasks.privacy.errors import LedgerError, StepsSpentError
from tasks.privacy.ledger import Lease, Ledger
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region.model import TripNet
from tasks.synthesis.attempt import Attempt, Made
from tasks.synthesis.chain import LINK, close, start_from, verified
from tasks.synthesis.checkpoint import load_checkpoint, save_checkpoint
from tasks.synthesis.dpsgd import OPTIMIZERS, DpSgd, Optimizer, Vector
from tasks.synthesis.grid import Grid
from tasks.synthesis.network_file import NETWORK, TrainedNetwork, load_network, save_network
from tasks.synthesis.trip_net import TripNetwork

_MOST_DAYS = 4
"""Steps get no shorter than with so many days: cities change."""


def train_network(attempt: Attempt) -> Made:
    """Train the network by DP-SGD, from the last checkpoint if there is one.

    Raises:
        StepsSpentError: If the steps left do not reach the end of training.
        LeaseLostError: If another run has taken the charge over.
        LedgerError: If the ledger is older than the checkpoint.
        ModelFileError: If the checkpoint cannot be read.
    """
    plan, ledger, lease = attempt.plan, attempt.ledger, attempt.lease
    settings, mechanism = plan.settings, plan.mechanism
    assert isinstance(settings, TripNet)
    assert isinstance(mechanism, SubsampledGaussian)
    network = TripNetwork(Grid(plan.service_area, settings.levels), settings)
    optimizer = load_checkpoint(attempt.directory, attempt.fingerprint)
    done = 0 if optimizer is None else optimizer.steps
    _refuse_uncounted(lease, done)
    _refuse_beyond_reserve(mechanism, ledger, lease, done)
    if optimizer is None:
        attempt.read_day()
        # counts none, but only the holder of the charge may choose what it starts from
        ledger.start_steps(lease, lease.steps_started)
    start, weights = start_from(
        attempt.directory, attempt.fingerprint, partial(_weights_of, network=network)
    )
    optimizer = optimizer or OPTIMIZERS[settings.optimizer].start(
        network.start() if weights is None else weights,
        learning_rate(settings, start.days),
        settings.weight_averaging,
    )
    if optimizer.steps < mechanism.steps:
        save = partial(save_checkpoint, attempt.directory, attempt.fingerprint, optimizer)
        _run_steps(attempt, mechanism, _engine(attempt, mechanism, network, optimizer), save)
    ledger.finish(lease)
    files = save_network(attempt.directory, TrainedNetwork(network, optimizer.averaged))
    link = close(attempt.directory, attempt.day, start, files)
    return Made(
        files=[*files, LINK],
        mechanism={"name": "dp_sgd", **mechanism.describe()},
        steps_executed=ledger.lease_now(lease).steps_started - plan.count_steps,
        history={**link.model_dump(mode="json"), "link": link.sha256},
    )


def _weights_of(directory: Path, network: TripNetwork) -> Vector | None:
    """The weights of a finished model, if its network is the same."""
    if NETWORK.document not in verified(directory)["files"]:
        return None
    trained = load_network(directory)
    alike = trained.network.grid == network.grid and trained.network.shapes == network.shapes
    return trained.weights if alike else None


def learning_rate(settings: TripNet, days: int) -> float:
    """The learning rate of a day that so many days stand behind."""
    return settings.learning_rate / min(days + 1, _MOST_DAYS)


def block_steps(mechanism: SubsampledGaussian) -> int:
    """Steps counted at once, so that the reserve outlasts four crashes."""
    return max(1, mechanism.reserve_steps // 4)


def _refuse_uncounted(lease: Lease, done: int) -> None:
    """Refuse to go on from steps that the ledger does not know, as one from an old backup."""
    if done > lease.steps_started:
        raise LedgerError(
            f"charge {lease.charge}: the checkpoint has run {done} steps, the ledger knows of "
            f"{lease.steps_started}: it is older than the checkpoint; restore its newest backup"
        )


def _refuse_beyond_reserve(
    mechanism: SubsampledGaussian, ledger: Ledger, lease: Lease, done: int
) -> None:
    """Refuse to resume where the steps left in the charge cannot reach the end."""
    needed = mechanism.steps - done
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
    attempt: Attempt, mechanism: SubsampledGaussian, network: TripNetwork, optimizer: Optimizer
) -> DpSgd:
    """Begin an attempt on the day's records with fresh keys.

    The divisor is made of the public number of rows. Under `vehicle_day` it is a number of trips
    too: what is summed over vehicles is a sum over their trips.
    """
    assert isinstance(attempt.rows, int)
    records = attempt.read_day().records(network.grid)
    run = mechanism.begin(len(records), attempt.rows)
    per_vehicle = attempt.plan.guarantee.unit == "vehicle_day"
    return DpSgd(network, records, run, optimizer, per_vehicle=per_vehicle)


def _run_steps(
    attempt: Attempt, mechanism: SubsampledGaussian, engine: DpSgd, save: Callable[[], None]
) -> None:
    """The steps that are missing, in blocks: count durably, run, checkpoint."""
    started = attempt.lease.steps_started
    while engine.steps < mechanism.steps:
        block = min(block_steps(mechanism), mechanism.steps - engine.steps)
        started += block
        attempt.ledger.start_steps(attempt.lease, started)
        for _ in range(block):
            engine.step()
        save()
        attempt.progress(engine.steps, mechanism.steps)
