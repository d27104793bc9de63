from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks.comparison import GridLaw, RowsFile, Study, StudyError, load_study
from tasks.tables import TableError
from tests.tasks.study.conftest import SMALL

ROOT = Path(__file__).parents[3]

BOX = {"kind": "grid", "west": 0, "north": 1, "east": 1}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **changes}))
    return path


def test_every_shipped_study_is_valid() -> None:
    files = sorted((ROOT / "deployments" / "studies").glob("*.yaml"))
    assert len(files) == 3
    for path in files:
        study = load_study(path)
        assert study.name == path.stem
        assert Study.model_validate(study.model_dump(mode="json")) == study


def test_the_studies_of_trips_are_those_that_were_published() -> None:
    small, full = (
        load_study(ROOT / "deployments" / "studies" / name)
        for name in ("trips.yaml", "trips_full.yaml")
    )
    for study in (small, full):
        sizes = study.training_rows, study.canaries.number, study.generated_rows
        assert sizes == (5800, 100, 12000)
        assert isinstance(study.canaries.law, GridLaw)
        assert study.canaries.law.nodes == 30
        published = {
            each.name: each.published.get("identical_rows") for each in study.configurations
        }
        assert published == {"C1": 0, "C2": 30, "C3": 0}
        assert [each.guarantee is None for each in study.configurations] == [True, True, False]
        assert study.repetition is not None
        assert (min(study.repetition.copies), max(study.repetition.copies)) == (1, 2900)
    networks = [(each.synthesizer.units, each.synthesizer.epochs) for each in full.configurations]
    assert networks[:2] == [(256, 30), (1024, 100)]


def test_files_are_named_beside_the_study_or_by_its_caller(tmp_path: Path) -> None:
    (tmp_path / "schema.yaml").write_text(yaml.safe_dump(SMALL["table"]))
    path = written(
        tmp_path,
        table="schema.yaml",
        data={"kind": "file", "path": "rows.csv"},
        canaries={"number": 3, "file": "/else/where.csv"},
    )
    study = load_study(path)
    assert study.table.names == ("area", "hour", "weight")
    assert study.data == RowsFile(path=str(tmp_path / "rows.csv"))
    assert study.canaries.file == "/else/where.csv"
    study = load_study(path, Path("/some/rows.csv"), Path("/some/canaries.csv"))
    assert study.data == RowsFile(path="/some/rows.csv")
    assert (study.canaries.file, study.canaries.number) == ("/some/canaries.csv", 3)
    with pytest.raises(TableError, match="cannot read the table file"):
        load_study(written(tmp_path, table="none.yaml"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "unknown key 'colour'; remove it or correct its spelling"),
        ({"configurations": []}, "configurations: "),
        ({"configurations": [{"name": "C1"}] * 2}, "configurations: C1 stands twice"),
        (
            {"configurations": [{"name": "C1", "against": "C0"}]},
            "C1 is against 'C0', which is none of C1",
        ),
        (
            {"configurations": [{"name": "C1", "published": {"beauty": 1}}]},
            "configurations.0.published.beauty",
        ),
        (
            {"configurations": [{"name": "C1", "guarantee": {"epsilon": 0, "delta": 1e-6}}]},
            "configurations.0.guarantee.epsilon: Input should be greater than 0 (is 0)",
        ),
        ({"canaries": {"number": 31}}, "31 canaries are more than half of 60 training rows"),
        (
            {"repetition": {**SMALL["repetition"], "copies": [31]}},
            "repetition: 31 copies are more than half of 60 training rows",
        ),
        (
            {"repetition": {**SMALL["repetition"], "copies": [1, 1]}},
            "a number of copies stands twice",
        ),
        ({"seeds": [1, 1]}, "seeds: one stands twice"),
        ({"distance": {"kind": "trips"}}, "the table has no column 'origin_latitude'; its columns"),
        (
            {"canaries": {"number": 5, "law": {**BOX, "south": 2}}},
            "the area is empty; south is under north",
        ),
        (
            {"canaries": {"number": 5, "law": {**BOX, "south": 0}}},
            "the table has no column 'origin_latitude'",
        ),
    ],
)
def test_every_mistake_gives_one_line(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(StudyError) as caught:
        load_study(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
