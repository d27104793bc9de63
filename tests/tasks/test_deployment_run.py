import logging
import uuid

import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Completed, Crashed, Failed

from tasks.await_training import TrainingRunError
from tasks.deployment_run import NoDeploymentError, run_to_its_end, why_not_completed

SAID = "Flow run encountered an exception: "


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (Failed(message=f"{SAID}DaySizeError: 3 trips are too few"), "3 trips are too few"),
        (Failed(message=f"{SAID}{TrainingRunError.__name__}: it\nfailed"), "it failed"),
        (Failed(message=f"{SAID}ValueError: vehicle 4711"), "Failed: ValueError"),
        (Failed(message="vehicle 4711"), "Failed"),
        (Crashed(message="Flow run process exited"), "Crashed"),
        (Completed(name="TimedOut"), "TimedOut"),
        (None, "it did not end"),
    ],
)
def test_only_our_own_lines_are_passed_on(state: "State[None] | None", line: str) -> None:
    assert why_not_completed(FlowRun(flow_id=uuid.uuid4(), state=state)) == line


@pytest.mark.usefixtures("prefect_api")
def test_a_deployment_that_is_missing_is_named() -> None:
    with pytest.raises(NoDeploymentError, match="there is no deployment release/nowhere; apply"):
        run_to_its_end("release/nowhere", {}, logging.getLogger("test"))
