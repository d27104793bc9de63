"""The Prefect task `sum_up`: what a comparison study has found, as files and as a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prefect import get_run_logger
from prefect.artifacts import create_table_artifact

from tasks.comparison import Study
from tasks.files import Layout
from tasks.step import step

if TYPE_CHECKING:
    from tasks.study.runs import Run


@step("sum-up-{study.name}")
def sum_up(study: Study, runs: "Sequence[Run]") -> dict[str, Any]:
    """Write table and page, and make an artifact of the figures. They are private, as that is.

    Args:
        study: The study.
        runs: All its runs; they have finished.

    Returns:
        `page`: path of the page; `rows`: its figures, in words.

    Raises:
        StudyError: If the record of a run is missing.
        FileError: If a record cannot be read.
    """
    from tasks.study.results import sum_up as write

    found = write(study, runs, Layout.from_environment())
    get_run_logger().info("Study %s is summed up", study.name)
    create_table_artifact(
        key=f"study-{study.name}".replace("_", "-"),
        table=found.rows,
        description=f"Study {study.name}; not to be published. Page: {found.page}",
    )
    return {"page": str(found.page), "rows": found.rows}
