"""A study without Prefect in a process of its own, so that it can be killed: run with -m."""

import sys
from pathlib import Path

from tasks.comparison import Study
from tasks.files import Layout
from tasks.study.campaign import planned
from tasks.study.results import sum_up
from tasks.study.run import make


def study_through(study: Study, layout: Layout) -> None:
    """Every run, one after the other; prints the key of each as it has ended."""
    runs = planned(study)
    for run in runs:
        make(study, run, layout)
        print(run.key, flush=True)
    sum_up(study, runs, layout)


if __name__ == "__main__":
    study_through(Study.model_validate_json(sys.argv[1]), Layout(Path(sys.argv[2])))
