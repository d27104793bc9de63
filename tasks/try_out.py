"""The Prefect task `try_out`, one run of a search; and all runs of a stage, side by side."""

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.futures import PrefectFuture, as_completed
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from tasks.files import Layout
from tasks.search import Search, SearchError
from tasks.step import step

if TYPE_CHECKING:
    from tasks.tuning.trial import Trial

_TOLD_EVERY = 20
"""Progress of a stage is logged about this many times."""
_CONNECT_SECONDS = 10


@step("try-{trial.source}-{trial.seed}-{trial.key}")
def try_out(search: Search, trial: "Trial") -> dict[str, Any]:
    """Make one run, unless it has a record, and leave one.

    Args:
        search: The search.
        trial: The run.

    Returns:
        `run`: its key; `rejected`: why it was stopped early, empty if it was not.

    Raises:
        SearchError: If its day may not be looked at.
        QualityError: If its day cannot be compared with.
        FileError: If a file was altered.
    """
    from tasks.tuning.run import try_out as run

    outcome = run(search, trial, Layout.from_environment())
    return {"run": trial.key, "rejected": outcome.rejected}


def try_all(search: Search, trials: "Sequence[Trial]") -> None:
    """Make the runs of a stage that have no record yet, as many at a time as the search says.

    A run that fails stops no other.

    Args:
        search: The search.
        trials: Its runs.

    Raises:
        SearchError: If one of them failed; the others have their records.
    """
    log, layout = get_run_logger(), Layout.from_environment()
    left = [trial for trial in trials if not trial.is_finished(layout, search)]
    failed = []
    with _server_known(), _started(search) as runner:
        lost = _lost_runs(search)
        futures = {
            runner.submit(try_out, {"search": search, "trial": trial}): trial for trial in left
        }
        for done, future in enumerate(as_completed(list(futures)), start=1):
            result = _result(future, lost)
            if isinstance(result, BaseException):
                failed.append(f"{futures[future].key}: {type(result).__name__}: {result}")
            elif result["rejected"]:
                log.info("Rejected %s: %s", result["run"], result["rejected"])
            if done % max(1, len(left) // _TOLD_EVERY) == 0 or done == len(left):
                log.info("%d of %d runs", done, len(left))
    if failed:
        raise SearchError(
            f"search {search.name}: {len(failed)} of {len(left)} runs failed, the others are kept; "
            f"start it again when that is mended; the first: {' '.join(failed[0].split())}"
        )


def _result(future: PrefectFuture[Any], lost: tuple[type[BaseException], ...]) -> Any:
    """What a run returned, or the error that it ended with."""
    try:
        return future.result(raise_on_failure=False)
    except lost as error:
        return error


def _lost_runs(search: Search) -> tuple[type[BaseException], ...]:
    """What is raised of a run whose process was killed, for memory perhaps."""
    if search.runner != "dask":
        return (BrokenExecutor,)
    from distributed import CancelledError, KilledWorker

    return KilledWorker, CancelledError


@contextmanager
def _started(search: Search) -> Iterator[TaskRunner[Any]]:
    """The runner of a search; workers of its own Dask cluster are told what processes are told.

    Raises:
        SearchError: If no Dask scheduler answers.
    """
    with runner_of(search) as runner:
        if search.runner == "dask":
            client = _client(search, runner)
            if search.scheduler is None:
                client.run(_share_cores, search.parallel)
        yield runner


def _client(search: Search, runner: TaskRunner[Any]) -> Any:
    """The Dask client of a runner, connected."""
    from prefect_dask import DaskTaskRunner

    assert isinstance(runner, DaskTaskRunner)
    try:
        return runner.client
    except OSError as error:
        raise SearchError(
            f"search {search.name}: no Dask scheduler answers at {search.scheduler}; "
            "start one, or remove scheduler for a cluster of this machine"
        ) from error


def runner_of(search: Search) -> TaskRunner[Any]:
    """What runs the runs of a search.

    Raises:
        SearchError: If it is Dask and prefect-dask is not installed.
    """
    if search.runner == "threads":
        return ThreadPoolTaskRunner(max_workers=search.parallel)
    if search.runner == "processes":
        return ProcessPoolTaskRunner(
            max_workers=search.parallel, initializer=_share_cores, initargs=(search.parallel,)
        )
    try:
        from prefect_dask import DaskTaskRunner
    except ImportError as error:
        raise SearchError(
            f"search {search.name}: runner dask needs the package prefect-dask on this machine and "
            "on the workers; install it, or take processes"
        ) from error
    cluster = {
        "n_workers": search.parallel,
        "threads_per_worker": 1,
        "memory_limit": 0,  # a worker over its share would pause, and a run would never end
        "dashboard_address": None,
    }
    runner: TaskRunner[Any] = DaskTaskRunner(
        address=search.scheduler,
        cluster_kwargs=None if search.scheduler else cluster,
        client_kwargs={"timeout": _CONNECT_SECONDS},
    )
    return runner


@contextmanager
def _server_known() -> Iterator[None]:
    """Processes report to the server of this run, where each would start one if none is named."""
    with (
        get_client(sync_client=True) as client,
        temporary_settings({PREFECT_API_URL: str(client.api_url)}),
    ):
        yield


def _share_cores(processes: int) -> None:
    """Give a process its share of this machine, before it loads a library that would take all.

    It is silent, too: the stage tells of its runs.
    """
    logging.disable(logging.INFO)
    threads = str(max(1, (os.cpu_count() or 1) // processes))
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, threads)
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
