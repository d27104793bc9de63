import json
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tasks.quality.adherence import adherence
from tasks.quality.columns import Kind, kinds_of
from tasks.quality.errors import QualityError
from tasks.quality.report import Report, assess_table
from tasks.quality.score import GRADES, Score
from tests.tasks.quality.conftest import people


@cache
def report_on(rows: int, seed: int, strength: float = 1.0) -> Report:
    """Of synthetic rows of a seed; the training rows have seed 1."""
    return assess_table(people(500, 1), people(rows, seed, strength), people(300, 2))


def values(report: Report) -> dict[str, float]:
    return {figure.name: figure.value.synthetic for figure in report.figures}


def test_fresh_rows_are_as_close_as_held_out_ones_and_copies_closer() -> None:
    fresh, copied = report_on(300, 3), report_on(500, 1)
    scores = fresh.scores
    assert scores.synthetic.overall == pytest.approx(scores.held_out.overall, abs=2.5)
    assert copied.scores.synthetic.overall > scores.synthetic.overall
    assert values(fresh)["auc"] == pytest.approx(0.5, abs=0.08)
    assert values(copied)["auc"] < 0.42
    assert fresh.rows == 300
    assert fresh.training_rows == 500


def test_worse_rows_are_found_out_by_every_part() -> None:
    good, bad = report_on(300, 3), report_on(300, 3, strength=-1)
    assert bad.scores.synthetic.shapes < good.scores.synthetic.shapes - 0.1
    assert bad.scores.synthetic.trends < good.scores.synthetic.trends - 0.1
    assert bad.scores.held_out == good.scores.held_out
    assert values(bad)["auc"] > 0.9
    assert values(bad)["components"] < values(good)["components"]
    assert values(bad)["valid"] < 0.5 < values(good)["valid"]


def test_validity_may_be_that_of_the_table() -> None:
    def grown_up(rows: pa.Table) -> float:
        return float(pc.mean(pc.greater(rows["age"], 40)).as_py())

    found = assess_table(people(90, 1), people(90, 2), people(90, 3), valid=grown_up)
    figure = next(each for each in found.figures if each.name == "valid")
    assert figure.value.synthetic == pytest.approx(grown_up(people(90, 2)))
    assert figure.value.held_out == pytest.approx(grown_up(people(90, 3)))


def test_texts_are_compared_by_length_and_do_not_enter_the_score() -> None:
    def with_ids(table: pa.Table, letters: int) -> pa.Table:
        return table.append_column("id", pa.array([f"{i:0{letters}d}" for i in range(len(table))]))

    kinds: dict[str, Kind] = {**kinds_of(people(1, 1).schema), "id": "text"}
    tables = [people(rows, seed) for rows, seed in ((90, 1), (90, 2), (90, 3))]
    without = assess_table(tables[0], tables[1], tables[2])
    real, synthetic, held_out = (
        with_ids(table, letters) for table, letters in zip(tables, (4, 9, 4), strict=True)
    )
    found = assess_table(real, synthetic, held_out, kinds)
    assert found.scores == without.scores
    assert found.fields[-1].similarity.synthetic == 0
    assert found.fields[-1].similarity.held_out == 1


def test_the_document_is_json_and_says_what_was_found() -> None:
    names = ["age", "income"]
    flat = people(50, 1).select(names).set_column(0, "age", pa.array([1] * 50))
    other = people(50, 2).select(names)
    document = assess_table(flat, other, other).document()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["pairs"]["age income"]["synthetic"] is None
    assert document["score"]["synthetic"]["column_pair_trends"] is None
    assert document["figures"]["auc"]["bootstrap"] is None
    assert document["rows"] == 50
    assert set(document["columns"]) == set(names)


def test_grades_are_fifths() -> None:
    found = [Score(share, share).grade for share in (0.0, 0.19, 0.2, 0.5, 0.6, 0.79, 0.8, 1.0)]
    assert found == [GRADES[place] for place in (0, 0, 1, 2, 3, 3, 4, 4)]


def test_one_column_is_a_table() -> None:
    only = [people(80, seed).select(["job"]) for seed in (1, 2, 3)]
    found = assess_table(only[0], only[1], only[2])
    assert found.trends == ()
    assert found.components is None
    assert found.scores.synthetic.overall == pytest.approx(
        100 * found.fields[0].similarity.synthetic
    )


def test_adherence_asks_for_every_value_of_a_row() -> None:
    real = pa.table({"x": [1, 5], "c": ["a", "b"]})
    other = pa.table({"x": [1, 6, 3, 0], "c": ["a", "b", "z", "z"]})
    assert adherence(real, other, kinds_of(real.schema)) == 0.25
    with pytest.raises(QualityError, match="without rows"):
        adherence(real, other.slice(4), kinds_of(real.schema))
