from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks.region import TripField, TripNet
from tasks.search import Released, Search, SearchError, Simulated, load_search

ROOT = Path(__file__).parents[3]
GRID = [{"axes": [{"setting": "learning_rate", "values": [0.01, 0.1]}]}]


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "search.yaml"
    path.write_text(yaml.safe_dump({"name": "small", "stages": GRID, **changes}))
    return path


def test_three_lines_are_a_search(tmp_path: Path) -> None:
    search = load_search(written(tmp_path))
    assert search.data == Simulated(cities=("gravity", "tours"), trips=5_000)
    assert search.synthesizer == TripNet()
    assert search.runs == 2 * 2
    assert Search.model_validate(search.model_dump(mode="json")) == search


def test_the_shipped_search_is_valid() -> None:
    files = sorted((ROOT / "deployments" / "searches").glob("*.yaml"))
    assert files
    for path in files:
        assert load_search(path).name == path.stem


def test_releases_are_named_beside_the_file(tmp_path: Path) -> None:
    data = {"kind": "released", "releases": ["town/2026-05-20/r1", "/else/where/r1"]}
    search = load_search(written(tmp_path, data=data))
    assert search.data == Released(
        releases=(str(tmp_path / "town" / "2026-05-20" / "r1"), "/else/where/r1")
    )


TABLE = {
    "data": {"kind": "table", "tables": ["incomes"]},
    "synthesizer": {"name": "char_lstm"},
    "figures": ["columns"],
}


def axes(*given: tuple[str, list[Any]]) -> list[dict[str, Any]]:
    return [{"axes": [{"setting": name, "values": values} for name, values in given]}]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "unknown key 'colour'; remove it or correct its spelling"),
        ({"stages": axes(("lr", [1]))}, "trip_net has no setting 'lr'; searched can be levels"),
        ({"stages": axes(("learning_rate", []))}, "learning_rate has no values; name those to try"),
        ({"stages": [{"axes": []}]}, "stages.0.axes: "),
        ({"stages": []}, "stages: "),
        ({"stages": axes(("hidden_units", [16, 1]))}, "trip_net.hidden_units: Input should be gr"),
        ({"stages": axes(("optimizer", ["adma"]))}, "trip_net.optimizer: Input should be 'adam'"),
        ({"stages": axes(("epsilon", [0]))}, "epsilon 0: it is a number over 0, at most 10"),
        ({"stages": axes(("epsilon", ["low"]))}, "epsilon 'low': it is a number over 0"),
        ({"stages": axes(("noise_multiplier", [0.1]))}, "noise_multiplier 0.1: it is a number of"),
        (
            {"stages": axes(("epsilon", [1]), ("noise_multiplier", [1]))},
            "epsilon and noise_multiplier follow from each other",
        ),
        ({"stages": axes(("steps", [1]), ("steps", [2]))}, "steps stands twice in one stage"),
        (
            {"stages": [{**axes(("steps", [1]), ("levels", [2]))[0], "choose": "last_valid"}]},
            "choose: last_valid goes along the values of one setting",
        ),
        ({"stages": axes(("steps", [*range(1, 6_000)]))}, "11,998 runs, more than 10,000"),
        ({"seeds": [1, 1]}, "seeds: one stands twice"),
        ({"seeds": [-1]}, "seeds.0: "),
        ({"data": {"kind": "simulated", "cities": ["atlantis"]}}, "data.simulated.cities.0: "),
        ({"data": {"kind": "private"}}, "data: "),
        ({"scheduler": "tcp://one:8786"}, "scheduler is an address of Dask; set runner: dask"),
        ({"rejection": {"least_valid": 2}}, "rejection.least_valid: "),
        ({"data": {"kind": "table"}}, "trip_net does not learn from data of kind table; char_lstm"),
        (
            {"synthesizer": {"name": "char_lstm"}, "stages": axes(("units", [8]))},
            "char_lstm does not learn from data of kind simulated; trip_net or trip_field does",
        ),
        ({**TABLE, "figures": ["pairs_5km"]}, "figures: pairs_5km is none of data of kind table"),
        (
            {"figures": ["columns"]},
            "figures: columns is none of data of kind simulated; take pairs_",
        ),
        ({"epsilon": None}, "epsilon: trip_net is not trained without a guarantee; give a number"),
        (
            {**TABLE, "stages": axes(("well_formed_only", [1]))},
            "char_lstm has no setting 'well_formed_only'; searched can be embedding",
        ),
        ({**TABLE, "stages": axes(("units", [0]))}, "char_lstm.units: Input should be greater"),
    ],
)
def test_every_mistake_gives_one_line(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(SearchError) as caught:
        load_search(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_setting_is_one_of_the_synthesizer_that_is_searched(tmp_path: Path) -> None:
    field = {"name": "trip_field"}
    search = load_search(written(tmp_path, synthesizer=field, stages=axes(("steps", [10]))))
    assert search.synthesizer == TripField()
    with pytest.raises(SearchError, match="trip_field has no setting 'learning_rate'"):
        load_search(written(tmp_path, synthesizer=field))


@pytest.mark.parametrize(
    ("content", "said"), [("- a", "a search file is a mapping"), ("a: [", "not YAML")]
)
def test_what_is_no_search_at_all(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text(content)
    with pytest.raises(SearchError, match=said):
        load_search(path)
    with pytest.raises(SearchError, match="cannot read the search file: No such file"):
        load_search(tmp_path / "absent.yaml")
