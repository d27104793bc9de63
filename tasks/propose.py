"""The Prefect task `propose`: which runs a stage of a search needs."""

from typing import TYPE_CHECKING

from prefect import get_run_logger

from tasks.files import Layout
from tasks.search import Search
from tasks.step import step

if TYPE_CHECKING:
    from tasks.tuning.trial import Trial


@step("propose-{search.name}-{stage}")
def propose(search: Search, stage: int) -> "list[Trial]":
    """The runs of a stage, finished ones included; before the first one, the search is checked.

    Args:
        search: The search.
        stage: Index of the stage; those before it have finished.

    Raises:
        SearchError: If the search's days are not public, no noise reaches an epsilon of it, or a
            stage before left nothing valid.
        FileError: If a release was altered.
    """
    from tasks.tuning.campaign import check, proposed

    layout = Layout.from_environment()
    if stage == 0:
        check(search, layout)
    trials = proposed(search, stage, layout)
    left = sum(not trial.is_finished(layout, search) for trial in trials)
    varied = ", ".join(axis.setting for axis in search.stages[stage].axes)
    get_run_logger().info(
        "Stage %d of %d varies %s: %d runs, %d of them finished before",
        stage + 1,
        len(search.stages),
        varied,
        len(trials),
        len(trials) - left,
    )
    return trials
