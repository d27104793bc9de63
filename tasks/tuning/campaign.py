"""The stages of a search, as far as the records of its runs tell them."""

from collections.abc import Iterable

from pydantic import ValidationError

from tasks.files import Layout
from tasks.region.yaml_file import faults
from tasks.search import Search, SearchError
from tasks.tuning.candidates import Candidate, candidates, refuse_unreachable
from tasks.tuning.day import refuse_private
from tasks.tuning.scores import Score, choose, score
from tasks.tuning.trial import Trial, load_outcome, trials


def check(search: Search, layout: Layout) -> None:
    """Refuse a search that may not or cannot be made, before anything runs.

    Raises:
        SearchError: If its days are not public, or no noise reaches an epsilon of it.
        FileError: If a release was altered.
    """
    refuse_private(search.data, layout)
    refuse_unreachable(search)


def proposed(search: Search, stage: int, layout: Layout) -> list[Trial]:
    """The runs of a stage, finished ones included.

    Args:
        search: The search.
        stage: Index of the stage; those before it have finished.
        layout: Where records lie.

    Raises:
        SearchError: If a stage before it left nothing valid, or lacks a record.
    """
    base = _chosen_before(search, stage, layout)
    return [run for each in _candidates(search, base, stage) for run in trials(search, each)]


def judged(search: Search, layout: Layout) -> tuple[list[Score], Score | None]:
    """Every candidate of every stage that was come to, and what the last stage chose.

    Raises:
        SearchError: If the record of a run is missing.
    """
    base, scores, chosen = Candidate.first(search), list[Score](), None
    for index, stage in enumerate(search.stages):
        of_stage = _scores(search, base, index, layout)
        scores += of_stage
        chosen = choose(stage, of_stage)
        if chosen is None:
            break
        base = chosen.candidate
    return scores, chosen


def _chosen_before(search: Search, stage: int, layout: Layout) -> Candidate:
    base = Candidate.first(search)
    for index in range(stage):
        chosen = choose(search.stages[index], _scores(search, base, index, layout))
        if chosen is None:
            raise SearchError(
                f"search {search.name}: stage {index + 1} left nothing whose rows are valid; "
                "search elsewhere, or lower least_valid"
            )
        base = chosen.candidate
    return base


def _candidates(search: Search, base: Candidate, stage: int) -> Iterable[Candidate]:
    try:
        return candidates(base, search.stages[stage])
    except ValidationError as error:
        raise SearchError(f"search {search.name}, stage {stage + 1}: {faults(error)}") from error


def _scores(search: Search, base: Candidate, stage: int, layout: Layout) -> list[Score]:
    found = []
    for candidate in _candidates(search, base, stage):
        runs = []
        for trial in trials(search, candidate):
            directory = trial.record(layout, search)
            if (outcome := load_outcome(directory)) is None:
                raise SearchError(
                    f"search {search.name}: the record {directory} is missing; where several "
                    "machines search, share one data folder, and start the search again"
                )
            runs.append((trial, outcome))
        found.append(score(search, stage + 1, candidate, runs))
    return found
