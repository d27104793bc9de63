"""The decorator of every task: nothing is cached or stored, and a second try where one may help."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

P = ParamSpec("P")
R = TypeVar("R")

RETRY_DELAYS_S: list[float] = [10, 60]
"""Pauses before the second and the third try, seconds."""


def step(
    run_name: str, *, is_free_to_repeat: bool = True
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a Prefect task.

    A task hands over files with manifests, so Prefect neither caches nor stores what it returns.
    It is tried again after an error of the operating system (a disk, a network), never after one
    of ours, which says what a person has to do.

    Args:
        run_name: Name of a run, with the function's parameters in braces.
        is_free_to_repeat: False for a task whose second try costs something.
    """
    return task(
        task_run_name=run_name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=len(RETRY_DELAYS_S) if is_free_to_repeat else 0,
        retry_delay_seconds=RETRY_DELAYS_S,
        retry_condition_fn=_may_pass,
    )


def _may_pass(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), OSError)
