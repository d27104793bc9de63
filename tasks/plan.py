"""The Prefect task `plan`: which runs a comparison study needs."""

from typing import TYPE_CHECKING

from prefect import get_run_logger

from tasks.comparison import Study
from tasks.files import Layout
from tasks.step import step

if TYPE_CHECKING:
    from tasks.study.runs import Run


@step("plan-{study.name}")
def plan(study: Study) -> "list[Run]":
    """Check a study, and list its runs, finished ones included.

    Args:
        study: The study.

    Raises:
        StudyError: If its rows are not named or too few.
        TableError: If a file of rows cannot be read, or a row does not meet the schema.
        TargetUnreachableError: If no noise keeps a guarantee.
    """
    from tasks.study.campaign import planned

    layout = Layout.from_environment()
    runs = planned(study)
    finished = sum(run.is_finished(layout, study) for run in runs)
    get_run_logger().info(
        "Study %s: %d runs, %d of them finished before",
        study.name,
        len(runs),
        finished,
    )
    return runs
