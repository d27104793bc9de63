"""The Prefect task `train`: a day's trips, or ends of rides, in; a model with its statement out."""

import datetime as dt
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.runtime import task_run

from tasks import exchange
from tasks.artifacts import artifact_key
from tasks.files import Layout, read_manifest, sha256_of, verify_files
from tasks.files.manifest import MANIFEST, FileError
from tasks.ledger import charge_request, open_ledger
from tasks.refusal import note_refusal
from tasks.region import Region
from tasks.step import step

if TYPE_CHECKING:
    from tasks.synthesis.plan import Rows

_TOLD_EVERY = 10
"""Progress is logged about this many times."""


@step(
    "train-{region.id}-{day}",
    reads=[exchange.derived, exchange.model],
    writes=exchange.model,
    is_free_to_repeat=False,
)
def train(region: Region, day: dt.date) -> dict[str, Any]:
    """Train the day's model under the region's guarantee, or return the finished one.

    Under `zero_out` the number of trips, which is public, is checked against the region's bounds;
    the ledger is charged; only then is the private table read. Under `add_remove` that number is
    private: the charge comes first, and what is checked is the noisy count it paid for. A crashed
    training goes on where it stopped when the task runs again. Where feeds change their ids, the
    numbers of starts and of ends take the place of that of trips.

    Args:
        region: The region.
        day: The service day; its trips, or its starts and ends, are derived.

    Returns:
        The manifest of the model's directory.

    Raises:
        FileError: If the day's trips are missing or altered.
        DaySizeError: If the day is smaller or larger than the region allows; under `zero_out`
            nothing is charged then, under `add_remove` the charge stands.
        DeviceError: If the region requires a GPU and there is none; nothing is charged.
        LedgerError: If the day's budget is spent, or another run trains the day.
    """
    layout = Layout.from_environment()
    directory = layout.model(region.id, day)
    finished = read_manifest(directory)
    if finished is not None:
        verify_files(directory, finished)
        return finished
    exchange.fetch_models(region)
    return _train(region, day, layout)


def _train(region: Region, day: dt.date, layout: Layout) -> dict[str, Any]:
    from tasks.synthesis.device import find_device
    from tasks.synthesis.plan import make_plan
    from tasks.synthesis.training import train as train_under_ledger

    logger = get_run_logger()
    table = layout.derived(region.id, day, region.yields)
    source = table.parent
    manifest = read_manifest(source)
    if manifest is None:
        raise FileError(
            f"{source}: the {region.yields} of {day} are not derived; derive the day first"
        )
    verify_files(source, manifest)
    rows = None
    if region.guarantee.adjacency == "zero_out":
        rows = _numbers(region, manifest)
        _refuse_by_size(region, day, rows)
    input_sha256 = sha256_of(source / MANIFEST)
    device = find_device(region.gpu)
    plan = make_plan(region.guarantee, region.service_area, region.maker, rows)
    logger.info(
        "Training %s%s on %s: noise multiplier %.4f for epsilon %g at delta %g, for one %s",
        region.maker.name,
        "" if rows is None else f" of {_said(rows)}",
        device,
        plan.mechanism.noise_multiplier,
        region.guarantee.epsilon,
        region.guarantee.delta,
        region.guarantee.unit,
    )
    request = charge_request(
        region,
        day,
        mechanism=plan.describe(),
        fingerprint=plan.fingerprint(input_sha256),
        steps_allowed=plan.steps_allowed,
    )
    artifact = cast(
        uuid.UUID,
        create_progress_artifact(
            progress=0.0,
            key=artifact_key("train", region, day),
            description=f"Training steps, {region.name}, {day}",
        ),
    )

    told = 0

    def tell(done: int, planned: int) -> None:
        nonlocal told
        update_progress_artifact(artifact, 100 * done / planned)
        if done * _TOLD_EVERY // planned > told:
            told = done * _TOLD_EVERY // planned
            logger.info("Training: %d of %d steps", done, planned)

    with open_ledger(layout, region) as ledger:
        return train_under_ledger(
            plan,
            request,
            ledger,
            read_trips=lambda: _read(table),
            directory=layout.model(region.id, day),
            run_id=str(task_run.id or uuid.uuid4()),
            facts={"region": region.id, "day": day.isoformat(), "trips_manifest": input_sha256},
            progress=tell,
            check_rows=partial(_refuse_by_size, region, day),
        )


def _read(path: Path) -> pa.Table:
    """The rows that are trips, or starts and ends; private."""
    table = pq.read_table(path)
    return table.filter(pc.field("is_trip")) if "is_trip" in table.column_names else table


def _numbers(region: Region, manifest: dict[str, Any]) -> "Rows":
    """How many trips, or starts and ends, the manifest of a derived day says there are."""
    if region.yields == "ends":
        return int(manifest["starts"]), int(manifest["ends"])
    return int(manifest["trips"])


def _said(rows: "Rows") -> str:
    """Numbers for people."""
    return f"{rows} trips" if isinstance(rows, int) else f"{rows[0]} starts and {rows[1]} ends"


def _refuse_by_size(region: Region, day: dt.date, rows: "Rows") -> None:
    """The public rule on the size of a day: on n under `zero_out`, else on its noisy count.

    A day of unlinked ends has at most as many trips as it has of what is rarer.

    Raises:
        DaySizeError: If the day is too small or too large.
    """
    from tasks.synthesis.errors import DaySizeError

    if (fault := _fault_of_size(region, rows)) is None:
        return
    what = f"region {region.id}, {day}: {_said(rows)}"
    if region.guarantee.adjacency == "add_remove":
        what += " by the noisy count, whose charge stands,"
    note_refusal(region, day, f"{what} {fault}")
    raise DaySizeError(f"{what} {fault}")


def _fault_of_size(region: Region, rows: "Rows") -> str | None:
    """Which public bound a day breaks, if any."""
    rules = region.trips
    fewest, most = (rows, rows) if isinstance(rows, int) else (min(rows), max(rows))
    if fewest < rules.min_per_day:
        return (
            f"are fewer than trips.min_per_day = {rules.min_per_day}; noise would drown "
            "them, so the day is not released"
        )
    if most > rules.max_per_day:
        return (
            f"are more than trips.max_per_day = {rules.max_per_day}, the cap that delta is "
            "chosen for; raise the cap and lower guarantee.delta"
        )
    return None
