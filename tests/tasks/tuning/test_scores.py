import pytest

from tasks.search import Stage
from tasks.tuning.candidates import Candidate
from tasks.tuning.scores import Score, choose, front, score
from tasks.tuning.trial import Outcome, Trial
from tests.tasks.tuning.conftest import MakeSearch, scored, stage


def test_utility_is_one_less_the_mean_of_the_figures_over_all_runs(make_search: MakeSearch) -> None:
    search = make_search(figures=["pairs_5km", "origins_1km"])
    candidate = Candidate.first(search)
    trial = Trial(candidate.settings, 1.0, 1e-6, 4.0, "transit", 1, "key")
    runs = [
        (trial, Outcome(10, valid, {"pairs_5km": a, "origins_1km": b, "auc": 0.9}, "", 1.0))
        for a, b, valid in ((0.1, 0.3, 0.9), (0.2, 0.6, 0.4))
    ]
    found = score(search, 1, candidate, runs)
    assert found.utility == pytest.approx(1 - (0.1 + 0.3 + 0.2 + 0.6) / 4)
    assert (found.valid, found.is_valid) == (0.4, True)
    strict = search.model_copy(update={"least_valid": 0.41})
    assert not score(strict, 1, candidate, runs).is_valid
    rejected = (trial, Outcome(1, 0.2, {}, "20.0% valid", 1.0))
    found = score(search, 1, candidate, [*runs, rejected])
    assert (found.utility, found.is_valid) == (None, False)
    assert found.rejections == ["transit, seed 1: 20.0% valid"]


@pytest.fixture
def tried(make_search: MakeSearch) -> list[Score]:
    """Five candidates; the third is rejected, and the last one ends with too few valid rows."""
    search = make_search()
    return [
        scored(search, {"epsilon": 3}, 0.8),
        scored(search, {"epsilon": 2}, 0.6),
        scored(search, {"epsilon": 1.5}, None, valid=0.1),
        scored(search, {"epsilon": 1}, 0.7),
        scored(search, {"epsilon": 0.5}, 0.9, valid=0.2),
    ]


def test_the_best_is_the_one_of_highest_utility_whose_rows_are_valid(tried: list[Score]) -> None:
    best = Stage.model_validate(stage("epsilon", [1]))
    assert choose(best, tried) is tried[0]
    assert choose(best, tried[2:]) is tried[3]
    assert choose(best, tried[4:]) is None


def test_the_last_valid_comes_before_the_first_that_is_not(tried: list[Score]) -> None:
    along = Stage.model_validate(stage("epsilon", [1], "last_valid"))
    assert choose(along, tried) is tried[1]
    assert choose(along, tried[3:]) is tried[3]
    assert choose(along, tried[2:]) is None


def test_on_the_front_are_those_to_which_no_other_is_preferable(tried: list[Score]) -> None:
    assert front(tried) == [tried[3], tried[0]]
    assert front(tried[4:]) == []
