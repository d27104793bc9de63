import pytest

from tasks.privacy.accountant import epsilon_by_pld, epsilons
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.search import Search, SearchError
from tasks.tables import TableError
from tasks.tuning.candidates import Candidate, candidates, refuse_unreachable
from tests.tasks.tuning.conftest import TABLE, MakeSearch, stage


def test_a_stage_tries_every_value_with_every_other_and_none_twice(make_search: MakeSearch) -> None:
    axes = [
        {"setting": "optimizer", "values": ["adam", "sgd"]},
        {"setting": "learning_rate", "values": [1, 0.1, 1.0]},
    ]
    search = make_search(stages=[{"axes": axes}])
    made = candidates(Candidate.first(search), search.stages[0])
    tried = [each.settings.model_dump() for each in made]
    assert [(each["optimizer"], each["learning_rate"]) for each in tried] == [
        ("adam", 1.0),
        ("adam", 0.1),
        ("sgd", 1.0),
        ("sgd", 0.1),
    ]
    assert {each["hidden_units"] for each in tried} == {8}


def test_noise_is_solved_for_epsilon_and_epsilon_follows_from_noise(
    make_search: MakeSearch,
) -> None:
    first = Candidate.first(make_search(epsilon=0.2))

    def cost(noise: float) -> float:
        return epsilons(SubsampledGaussian(0.1, noise, 10, 0, 1.0).event(), 1e-6).pld

    assert first.epsilon == 0.2
    assert first.noise_multiplier is not None
    assert cost(first.noise_multiplier - 0.002) > 0.2 >= cost(first.noise_multiplier)
    noisier = first.changed({"noise_multiplier": 5})
    assert (noisier.epsilon, noisier.noise_multiplier) == (cost(5.0), 5.0)
    assert noisier.changed({"epsilon": 0.2, "l2_norm_clip": 0.5}).describe() == {
        **first.describe(),
        "l2_norm_clip": 0.5,
    }


def test_a_field_needs_the_noise_of_one_measurement(make_search: MakeSearch) -> None:
    search = make_search(synthesizer={"name": "trip_field"}, stages=[stage("steps", [5, 10])])
    first, second = candidates(Candidate.first(search), search.stages[0])
    assert first.noise_multiplier == second.noise_multiplier == 4.225
    assert first.changed({"noise_multiplier": 4.225}).epsilon == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("where", ["fixed", "searched"])
def test_an_epsilon_that_no_noise_reaches_is_refused(make_search: MakeSearch, where: str) -> None:
    stages = [stage("learning_rate", [0.1]), stage("epsilon", [1.0, 1e-5])]
    search = make_search(epsilon=1e-5) if where == "fixed" else make_search(stages=stages)
    with pytest.raises(SearchError, match="search small: no noise multiplier up to 100000 keeps"):
        refuse_unreachable(search)
    refuse_unreachable(make_search())


def test_a_network_of_a_table_may_do_without_a_guarantee() -> None:
    search = Search.model_validate(TABLE)
    first = Candidate.first(search)
    assert (first.epsilon, first.noise_multiplier) == (None, None)
    assert first.describe()["epsilon"] is None
    refuse_unreachable(search)
    private = first.changed({"noise_multiplier": 2})
    event = SubsampledGaussian(25 / 150, 2.0, 30, 0, 1.0).event()
    assert private.epsilon == epsilons(event, 1e-6).pld
    solved = private.changed({"epsilon": 1.0}).noise_multiplier
    assert solved is not None
    cheaper, kept = (
        epsilon_by_pld(SubsampledGaussian(25 / 150, noise, 30, 0, 1.0).event(), 1e-6)
        for noise in (solved - 0.002, solved)
    )
    assert cheaper > 1 >= kept


def test_a_guarantee_of_a_table_needs_noise_for_its_most_expensive_run() -> None:
    stages = [stage("epochs", [5, 10_000]), stage("epsilon", [1.0, 0.001])]
    with pytest.raises(SearchError, match=r"keeps epsilon 0\.001 at delta 1e-06 over 60000 steps"):
        refuse_unreachable(Search.model_validate({**TABLE, "epsilon": 1.0, "stages": stages}))
    batches = [stage("batch", [10, 150]), stage("epsilon", [1.0])]
    with pytest.raises(TableError, match=r"a batch of 150 rows of a table of 150: with"):
        refuse_unreachable(Search.model_validate({**TABLE, "stages": batches}))
