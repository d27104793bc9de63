"""The Prefect task `learn`: a table in, a model with its statement out."""

import uuid
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import get_run_logger
from prefect.runtime import task_run

from tasks.files import Layout, make_directories, read_manifest, sha256_of, verify_files
from tasks.files.lock import Lock
from tasks.files.manifest import FileError
from tasks.ledger import open_table_ledger, table_charge_request
from tasks.step import step
from tasks.tables import NOT_PRIVATE, Synthesis, TableError, read_rows, to_lines

if TYPE_CHECKING:
    from tasks.synthesis.any_table import TablePlan

_TOLD_EVERY = 10
"""Progress is logged about this many times."""


@step("learn-{synthesis.name}", is_free_to_repeat=False)
def learn(synthesis: Synthesis) -> dict[str, Any]:
    """Train the model of a table, or return the finished one.

    Everything is checked first: every row against the schema, the guarantee against what noise can
    reach. Then, with a guarantee, the ledger is charged, and only then the training begins.

    Args:
        synthesis: The table, its data, the synthesizer and the guarantee.

    Returns:
        The manifest of the model's directory.

    Raises:
        TableError: If the data do not meet the schema, or a setting does not fit them.
        TargetUnreachableError: If no noise meets the guarantee.
        LedgerError: If the budget of the source's period is spent.
        FileError: If the name is that of another synthesis, or a file was altered.
    """
    directory = Layout.from_environment().table_model(synthesis.name)
    rows = read_rows(Path(synthesis.data), synthesis.table)
    from tasks.synthesis.any_table import make_table_plan, training_key

    fingerprint = training_key(synthesis, rows.num_rows, sha256_of(Path(synthesis.data)))
    if (finished := _finished(directory, fingerprint)) is not None:
        return finished
    plan = make_table_plan(synthesis, rows.num_rows)
    make_directories(directory)
    with closing(Lock(directory, "training this table", TableError)):
        # another process may have trained it while noise was solved for
        if (finished := _finished(directory, fingerprint)) is not None:
            return finished
        return _train(plan, to_lines(rows, synthesis.table), directory, fingerprint)


def _finished(directory: Path, fingerprint: str) -> dict[str, Any] | None:
    """The manifest of the model, if it is trained.

    Raises:
        FileError: If it is the model of something else, or was altered.
    """
    manifest = read_manifest(directory)
    if manifest is None:
        return None
    if manifest["fingerprint"] != fingerprint:
        raise FileError(
            f"{directory}: the model of other data, settings, guarantee or code; give this "
            "synthesis a name of its own, or remove that folder"
        )
    verify_files(directory, manifest)
    return manifest


def _train(
    plan: "TablePlan", lines: list[str], directory: Path, fingerprint: str
) -> dict[str, Any]:
    from tasks.synthesis.any_table import Charging, train_table
    from tasks.synthesis.device import find_device

    logger, synthesis, guarantee = get_run_logger(), plan.synthesis, plan.synthesis.guarantee
    promised = NOT_PRIVATE
    if plan.mechanism is not None and guarantee is not None:
        promised = (
            f"noise multiplier {plan.mechanism.noise_multiplier:.4f} for epsilon "
            f"{guarantee.epsilon:g} at delta {guarantee.delta:g}, for one row"
        )
    logger.info(
        "Training %s of %d rows on %s: %s",
        synthesis.synthesizer.name,
        plan.records,
        find_device("preferred"),
        promised,
    )
    told = 0

    def tell(done: int, planned: int) -> None:
        nonlocal told
        if done * _TOLD_EVERY // planned > told:
            told = done * _TOLD_EVERY // planned
            logger.info("Training: %d %% done", 100 * done // planned)

    with ExitStack() as stack:
        charging = None
        if plan.mechanism is not None and guarantee is not None:
            ledger = stack.enter_context(open_table_ledger(Layout.from_environment(), guarantee))
            request = table_charge_request(
                synthesis.name,
                guarantee,
                mechanism=plan.describe(),
                fingerprint=fingerprint,
                steps_allowed=plan.mechanism.steps_allowed,
            )
            charging = Charging(ledger, request, str(task_run.id or uuid.uuid4()))
        return train_table(plan, lines, directory, fingerprint, charging, tell)
