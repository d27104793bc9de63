"""The decorator of every task: what it reads and writes, and a second try where one may help."""

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from tasks import exchange
from tasks.exchange import Room

P = ParamSpec("P")
R = TypeVar("R")

RETRY_DELAYS_S: list[float] = [10, 60]
"""Pauses before the second and the third try, seconds."""


def step(
    run_name: str,
    *,
    reads: Sequence[Room] = (),
    writes: Room | None = None,
    is_free_to_repeat: bool = True,
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a Prefect task.

    A task hands over files with manifests, so Prefect neither caches nor stores what it returns.
    Where there are stores, what it reads is brought here first, and what it finished is stored.
    It is tried again after an error of the operating system (a disk, a network), never after one
    of ours, which says what a person has to do.

    Args:
        run_name: Name of a run, with the function's parameters in braces.
        reads: The rooms of `region` and `day`, two of the function's parameters, that it reads.
        writes: The room that it finishes.
        is_free_to_repeat: False for a task whose second try costs something.
    """

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        return task(
            task_run_name=run_name,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=len(RETRY_DELAYS_S) if is_free_to_repeat else 0,
            retry_delay_seconds=RETRY_DELAYS_S,
            retry_condition_fn=_may_pass,
        )(_exchanging(function, reads, writes))

    return decorate


def _exchanging(
    function: Callable[P, R], reads: Sequence[Room], writes: Room | None
) -> Callable[P, R]:
    """The function between what it reads from the stores and what it leaves there."""
    if not reads and writes is None:
        return function

    @wraps(function)
    def exchanging(*args: P.args, **kwargs: P.kwargs) -> R:
        given = signature(function).bind(*args, **kwargs).arguments
        exchange.fetch(reads, given["region"], given["day"])
        result = function(*args, **kwargs)
        if writes is not None:
            exchange.keep(writes, given["region"], given["day"])
        return result

    return exchanging


def _may_pass(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), OSError)
