"""The Prefect task that has a day released by the deployment `release` of its region."""

import datetime as dt

from prefect import get_run_logger

from tasks.deployment_run import DeploymentRunError, run_to_its_end, why_not_completed
from tasks.region import Region
from tasks.step import step


class ReleaseRunError(DeploymentRunError):
    """The run that was to release a day did not complete."""


@step("await-release-{region.id}-{day}", is_free_to_repeat=False)
def await_release(region: Region, day: dt.date) -> None:
    """Start a run of the deployment `release/<region>` for a day and wait for its end.

    Args:
        region: The region.
        day: The service day.

    Raises:
        NoDeploymentError: If there is no such deployment.
        ReleaseRunError: If the release failed, or if its worker died each time.
    """
    run = run_to_its_end(f"release/{region.id}", {"day": day.isoformat()}, get_run_logger())
    if run.state is None or not run.state.is_completed():
        raise ReleaseRunError(why_not_completed(run))
