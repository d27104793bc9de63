"""A run of a deployment, from its start to its end, whatever dies meanwhile."""

import datetime as dt
import logging
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from expectations.errors import CheckError
from tasks import OpentripsError
from tasks.files import FileError
from tasks.files.store import StoreError
from tasks.gbfs import FeedError
from tasks.journal import JournalError
from tasks.mobility.errors import MobilityError
from tasks.privacy.errors import PrivacyError
from tasks.release.errors import ReleaseError
from tasks.synthesis.errors import SynthesisError

Log: TypeAlias = logging.Logger | logging.LoggerAdapter[logging.Logger]

TRIES = 3
"""A run whose worker died is started again: it goes on from what is on disk."""

POLL_SECONDS = 2.0
PATIENCE = dt.timedelta(hours=1)
"""A Prefect server that does not answer is waited for so long."""


class DeploymentRunError(OpentripsError):
    """A run of a deployment did not complete."""


class NoDeploymentError(DeploymentRunError):
    """There is no deployment of that name."""


_ENCOUNTERED = re.compile(r"Flow run encountered an exception: (?P<kind>\w+): (?P<text>.*)")
_OURS = (
    CheckError,
    DeploymentRunError,
    FeedError,
    FileError,
    JournalError,
    MobilityError,
    PrivacyError,
    ReleaseError,
    StoreError,
    SynthesisError,
)
"""What ends a run with a line for staff; together with those below them."""


def run_to_its_end(name: str, parameters: Mapping[str, Any], log: Log) -> FlowRun:
    """Start a run of a deployment and wait for its end; start it again where its worker died.

    Args:
        name: The deployment, `flow/region`.
        parameters: Those that differ from the deployment's.
        log: Where a death is told.

    Returns:
        The last run; its state is final.

    Raises:
        NoDeploymentError: If there is no such deployment.
        httpx.HTTPError: If the server does not answer for too long.
    """
    for left in reversed(range(TRIES)):
        run = _awaited(_started(name, parameters))
        if left and run.state is not None and run.state.is_crashed():
            log.warning("The worker of the run %s of %s died; it goes on", run.name, name)
            continue
        break
    return run


def why_not_completed(run: FlowRun) -> str:
    """Why a run did not complete, in one line; of an error that is not ours only the kind.

    The texts of other errors may hold private rows.
    """
    if run.state is None:
        return "it did not end"
    said = _ENCOUNTERED.fullmatch(" ".join((run.state.message or "").split()))
    if said is None:
        return str(run.state.name)
    return said["text"] if said["kind"] in _names(_OURS) else f"{run.state.name}: {said['kind']}"


def _names(kinds: Iterable[type[Exception]]) -> set[str]:
    """Names of exceptions and of those below them."""
    below = (_names(kind.__subclasses__()) for kind in kinds)
    return {kind.__name__ for kind in kinds}.union(*below)


def _started(name: str, parameters: Mapping[str, Any]) -> FlowRun:
    try:
        run = run_deployment(name, parameters=dict(parameters), timeout=0)
    except ObjectNotFound as error:
        raise NoDeploymentError(
            f"there is no deployment {name}; apply the deployments of the region's file first"
        ) from error
    assert isinstance(run, FlowRun)
    return run


def _awaited(run: FlowRun) -> FlowRun:
    deadline = dt.datetime.now(dt.UTC) + PATIENCE
    while run.state is None or not run.state.is_final():
        time.sleep(POLL_SECONDS)
        try:
            with get_client(sync_client=True) as client:
                run = client.read_flow_run(run.id)
            deadline = dt.datetime.now(dt.UTC) + PATIENCE
        except httpx.HTTPError:
            if dt.datetime.now(dt.UTC) > deadline:
                raise
    return run
