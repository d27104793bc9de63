from pathlib import Path

import pytest

from tasks.comparison import StudyError
from tasks.study.material import deal, lines_of
from tasks.tables import TableError
from tests.tasks.study.conftest import MakeStudy


def test_rows_and_canaries_are_dealt_once_and_alike_for_a_seed(make_study: MakeStudy) -> None:
    study = make_study()
    lines = lines_of(study)
    dealt = deal(study, lines, 1)
    assert dealt == deal(study, lines, 1)
    assert dealt.rows != deal(study, lines, 2).rows
    assert dealt.secret != deal(study, lines, 2).secret
    assert (len(dealt.rows), len(dealt.held_out)) == (60, 40)
    assert (len(dealt.canaries), len(dealt.unseen), len(dealt.candidates)) == (5, 5, 50)
    drawn = [*dealt.canaries, *dealt.unseen, *dealt.candidates, dealt.secret]
    assert len({*drawn}) == len(drawn)
    assert not {*drawn} & {*lines}
    assert len(dealt.with_canaries) == len(dealt.with_secret(30)) == 60
    assert {*dealt.canaries} <= {*dealt.with_canaries}
    assert dealt.with_secret(30).count(dealt.secret) == 30


def test_canaries_of_a_file_are_planted(make_study: MakeStudy, tmp_path: Path) -> None:
    path = tmp_path / "canaries.csv"
    path.write_text("".join(f"north, {hour}, 7\n" for hour in range(9)))
    canaries = {"number": 5, "candidates": 50, "file": str(path)}
    study = make_study(canaries=canaries)
    dealt = deal(study, lines_of(study), 1)
    assert dealt.canaries == tuple(f"north,{hour},7" for hour in range(5))
    assert not {*dealt.candidates, *dealt.unseen, dealt.secret} & {*dealt.canaries}
    study = make_study(canaries={**canaries, "number": 10})
    with pytest.raises(StudyError, match="9 canaries, and the study plants 10"):
        deal(study, lines_of(study), 1)
    path.write_text("nowhere, 3, 7\n")
    with pytest.raises(TableError, match=r"canaries\.csv: .*'area'"):
        deal(study, lines_of(study), 1)


def test_simulated_rows_are_the_same_each_time(make_study: MakeStudy) -> None:
    from tasks.simulated import RATINGS

    data = {"kind": "simulated", "simulator": "ratings", "rows": 150}
    study = make_study(table=RATINGS.model_dump(), data=data)
    lines = lines_of(study)
    assert len(lines) == 150
    assert lines == lines_of(study)


def test_too_few_rows_or_none_are_said(make_study: MakeStudy) -> None:
    study = make_study(held_out_rows=61)
    with pytest.raises(StudyError, match="the table has 120 rows and the study needs 60 to train"):
        deal(study, lines_of(study), 1)
    with pytest.raises(StudyError, match=r"it names no rows; set data\.path, or call it with"):
        lines_of(make_study(data={"kind": "file"}))
