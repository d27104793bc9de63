"""Study: compare ordinary, overfitted and private training on one table; nothing is published."""

from typing import Any

from prefect import flow

from tasks.compare import compare
from tasks.comparison import Study
from tasks.plan import plan
from tasks.sum_up import sum_up


@flow(name="study", flow_run_name="study-{study.name}")
def study(study: Study) -> dict[str, Any]:
    """Train and measure, run by run; run it again and it goes on where it stopped.

    Args:
        study: The table, its rows, and what is compared.

    Returns:
        `page`: path of the study's page; `rows`: its figures, in words.

    Raises:
        OpentripsError: If the study's rows cannot be read or are too few, no noise keeps one of
            its guarantees, or a training diverged.
    """
    runs = plan(study)
    for run in runs:
        compare(study, run)
    return sum_up(study, runs)
