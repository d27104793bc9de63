"""A study from its first check to its last run."""

from collections.abc import Sequence

from tasks.comparison import Study, StudyError
from tasks.files import Layout
from tasks.study.material import deal, lines_of
from tasks.study.runs import Outcome, Run, load_outcome, runs_of
from tasks.study.trained import mechanism_of


def planned(study: Study) -> list[Run]:
    """Every run of a study, finished ones included, after all was checked that can be.

    Raises:
        StudyError: If its rows are not named or too few.
        TableError: If a file of rows cannot be read, or a row does not meet the schema.
        TargetUnreachableError: If no noise keeps a guarantee.
    """
    lines = lines_of(study)
    for seed in study.seeds:
        deal(study, lines, seed)
    runs = runs_of(study)
    for run in {(run.settings, run.guarantee): run for run in runs}.values():
        if run.guarantee is not None:
            mechanism_of(run.settings, run.guarantee, study.training_rows)
    return runs


def outcomes(study: Study, runs: Sequence[Run], layout: Layout) -> list[tuple[Run, Outcome]]:
    """Runs with what they found.

    Raises:
        StudyError: If the record of a run is missing.
        FileError: If one cannot be read.
    """
    found = []
    for run in runs:
        directory = run.record(layout, study)
        if (outcome := load_outcome(directory)) is None:
            raise StudyError(
                f"study {study.name}: the record {directory} is missing; start the study again"
            )
        found.append((run, outcome))
    return found
