"""The Prefect task `compare`: one training of a comparison study, and what is measured of it."""

from typing import TYPE_CHECKING

from prefect import get_run_logger

from tasks.comparison import Study
from tasks.files import Layout
from tasks.step import step

if TYPE_CHECKING:
    from tasks.study.runs import Run


@step("compare-{run.key}")
def compare(study: Study, run: "Run") -> None:
    """Make one run, unless it has a record, and leave one.

    What it finds stays in the record: logs say only that it is done.

    Args:
        study: The study.
        run: The run.

    Raises:
        StudyError: If its rows are too few, or its training diverged.
        TableError: If its rows cannot be read.
        TargetUnreachableError: If no noise keeps its guarantee.
    """
    from tasks.study.run import make

    layout = Layout.from_environment()
    if not run.is_finished(layout, study):
        outcome = make(study, run, layout)
        get_run_logger().info("%s took %.0f s", said(run), outcome.seconds)


def said(run: "Run") -> str:
    """A run in words.

    Examples:
        >>> from tasks.study.runs import Run
        >>> from tasks.tables import CharLstm
        >>> said(Run("repetition", "private", CharLstm(), None, 10, 1, "key"))
        'Repetition private, 10 copies, seed 1'
    """
    copies = f", {run.copies:,} copies" if run.part == "repetition" else ""
    return f"{run.part.capitalize()} {run.name}{copies}, seed {run.seed}"
