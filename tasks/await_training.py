"""The Prefect task that has a day trained by the deployment `train` of its region."""

import datetime as dt

from prefect import get_run_logger
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from tasks import OpentripsError, exchange
from tasks.files import Layout, read_manifest
from tasks.region import Region
from tasks.step import step

TRIES = 3
"""A training whose worker died is started again: it goes on from what was charged and stored."""


class TrainingRunError(OpentripsError):
    """The run that was to train a day did not complete."""


@step("await-training-{region.id}-{day}", reads=[exchange.model], is_free_to_repeat=False)
def await_training(region: Region, day: dt.date) -> str | None:
    """Start a run of the deployment `train/<region>` and wait for its end.

    Args:
        region: The region.
        day: The service day.

    Returns:
        Id of the run that completed; None if the day is trained already.

    Raises:
        TrainingRunError: If there is no such deployment, if the training failed, or if its worker
            died each time.
    """
    logger = get_run_logger()
    if read_manifest(Layout.from_environment().model(region.id, day)) is not None:
        logger.info("%s is trained already", day)
        return None
    for _ in range(TRIES):
        run = _trained(region, day)
        if run.state is not None and run.state.is_completed():
            return str(run.id)
        if run.state is None or not run.state.is_crashed():
            break
        logger.warning("The worker of the training run %s died; the training goes on", run.name)
    said = "did not end" if run.state is None else f"{run.state.name}: {run.state.message}"
    raise TrainingRunError(
        f"region {region.id}, {day}: the training run {run.name} ({run.id}) {said}; "
        "release the day again when that is mended"
    )


def _trained(region: Region, day: dt.date) -> FlowRun:
    parameters = {"region": region.model_dump(mode="json"), "day": day.isoformat()}
    name = f"train/{region.id}"
    try:
        run = run_deployment(name, parameters=parameters)
    except ObjectNotFound as error:
        raise TrainingRunError(
            f"there is no deployment {name}; apply the deployments of the region's file first"
        ) from error
    assert isinstance(run, FlowRun)
    return run
