"""What candidates are worth over all their runs, which is chosen, and which stand on the front."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tasks.search import Search, Stage
from tasks.tuning.candidates import Candidate
from tasks.tuning.trial import Outcome, Trial


@dataclass(frozen=True)
class Score:
    """A candidate with its runs.

    Attributes:
        stage: Number of the stage that tried it, from 1.
        candidate: What was tried.
        runs: Its runs and what became of them.
        utility: 1 less the mean of the search's figures over all runs; None if one was rejected.
        valid: The least share of valid rows among the runs.
        is_valid: Whether no run was rejected, nor ended with fewer valid rows than is asked for.
    """

    stage: int
    candidate: Candidate
    runs: tuple[tuple[Trial, Outcome], ...]
    utility: float | None
    valid: float
    is_valid: bool

    @property
    def epsilon(self) -> float | None:
        """The privacy loss; None without a guarantee."""
        return self.runs[0][0].epsilon

    @property
    def rejections(self) -> list[str]:
        """Why runs were stopped, one line for each."""
        return [
            f"{trial.source}, seed {trial.seed}: {outcome.rejected}"
            for trial, outcome in self.runs
            if outcome.rejected
        ]


def score(
    search: Search, stage: int, candidate: Candidate, runs: Sequence[tuple[Trial, Outcome]]
) -> Score:
    """Judge a candidate by its runs."""
    outcomes = [outcome for _, outcome in runs]
    valid = min(outcome.valid for outcome in outcomes)
    utility = None
    if not any(outcome.rejected for outcome in outcomes):
        utility = 1 - fmean(
            outcome.figures[name] for outcome in outcomes for name in search.figures
        )
    is_valid = utility is not None and valid >= search.least_valid
    return Score(stage, candidate, tuple(runs), utility, valid, is_valid)


def choose(stage: Stage, scores: Sequence[Score]) -> Score | None:
    """What a stage hands on: see `tasks.search.Stage.choose`; None if nothing is valid.

    Args:
        stage: The stage.
        scores: Of its candidates, in their order.
    """
    if stage.choose == "best":
        valid = [each for each in scores if each.is_valid]
        return max(valid, key=lambda each: each.utility or 0, default=None)
    last = None
    for each in scores:
        if not each.is_valid:
            break
        last = each
    return last


def front(scores: Sequence[Score]) -> list[Score]:
    """The valid candidates to which no other is preferable in epsilon and utility, by epsilon.

    What has no guarantee stands on none.
    """
    best: list[Score] = []
    valid = [each for each in scores if each.is_valid and each.epsilon is not None]
    for each in sorted(valid, key=lambda each: (each.epsilon or 0, -(each.utility or 0))):
        if not best or (each.utility or 0) > (best[-1].utility or 0):
            best.append(each)
    return best
