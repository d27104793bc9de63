"""The Prefect task that has a day trained by the deployment `train` of its region."""

import datetime as dt

from prefect import get_run_logger

from tasks.deployment_run import DeploymentRunError, run_to_its_end, why_not_completed
from tasks.region import Region
from tasks.step import step


class TrainingRunError(DeploymentRunError):
    """The run that was to train a day did not complete."""


@step("await-training-{region.id}-{day}", is_free_to_repeat=False)
def await_training(region: Region, day: dt.date) -> str:
    """Start a run of the deployment `train/<region>` and wait for its end.

    Args:
        region: The region.
        day: The service day.

    Returns:
        Id of the run that completed.

    Raises:
        NoDeploymentError: If there is no such deployment.
        TrainingRunError: If the training failed, or if its worker died each time.
    """
    parameters = {"region": region.model_dump(mode="json"), "day": day.isoformat()}
    run = run_to_its_end(f"train/{region.id}", parameters, get_run_logger())
    if run.state is not None and run.state.is_completed():
        return str(run.id)
    raise TrainingRunError(
        f"region {region.id}, {day}: the training run {run.name} ({run.id}) failed: "
        f"{why_not_completed(run)}; release the day again when that is mended"
    )
