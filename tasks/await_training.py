"""The Prefect task that has a day trained by the deployment `train` of its region."""

import datetime as dt

from prefect import get_run_logger

from tasks import exchange
from tasks.deployment_run import DeploymentRunError, run_to_its_end, why_not_completed
from tasks.files import Layout, read_manifest
from tasks.region import Region
from tasks.step import step


class TrainingRunError(DeploymentRunError):
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
        NoDeploymentError: If there is no such deployment.
        TrainingRunError: If the training failed, or if its worker died each time.
    """
    logger = get_run_logger()
    if read_manifest(Layout.from_environment().model(region.id, day)) is not None:
        logger.info("%s is trained already", day)
        return None
    parameters = {"region": region.model_dump(mode="json"), "day": day.isoformat()}
    run = run_to_its_end(f"train/{region.id}", parameters, logger)
    if run.state is not None and run.state.is_completed():
        return str(run.id)
    raise TrainingRunError(
        f"region {region.id}, {day}: the training run {run.name} ({run.id}) failed: "
        f"{why_not_completed(run)}; release the day again when that is mended"
    )
