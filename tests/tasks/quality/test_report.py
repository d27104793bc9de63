import json
from functools import cache

import pyarrow as pa
import pytest

from tasks.quality.references import Beside
from tasks.quality.report import Report, assess_table
from tasks.simulated.incomes import incomes
from tasks.tables import PublicTable, load_table
from tests.flows.conftest import ROOT
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
    assert values(bad)["adherence"] < 0.5 < values(good)["adherence"]


def test_validity_is_what_the_caller_knows_of_it() -> None:
    tables = [people(60, seed) for seed in (1, 2, 3)]
    found = assess_table(tables[0], tables[1], tables[2], valid=0.75)
    figure = next(each for each in found.figures if each.name == "valid")
    assert figure.value == Beside(0.75, 1.0, 1.0)
    assert "valid" not in values(assess_table(tables[0], tables[1], tables[2]))


def test_a_public_schema_says_what_columns_hold() -> None:
    schema = load_table(ROOT / "deployments" / "schemas" / "incomes.yaml")
    rows = [incomes(150, seed) for seed in (1, 2, 3)]
    found = assess_table(rows[0], rows[1], rows[2], schema)
    assert [field.name for field in found.fields] == [column.name for column in schema.columns]
    kinds = {field.name: field.kind for field in found.fields}
    assert kinds["age"] == "number"
    assert kinds["education"] == "category"
    assert found.scores.synthetic.grade == "excellent"


def with_ids(table: pa.Table, letters: int) -> pa.Table:
    """The ages and jobs of people, and an id of so many letters."""
    ids = pa.array([f"{i:0{letters}d}" for i in range(len(table))])
    return table.select(["age", "job"]).append_column("id", ids)


def test_texts_are_compared_by_length_and_do_not_enter_the_score() -> None:
    schema = PublicTable.model_validate(
        {
            "name": "people",
            "columns": [
                {"kind": "integer", "name": "age", "minimum": 0, "maximum": 99},
                {"kind": "category", "name": "job", "values": ["clerk", "nurse", "smith"]},
                {"kind": "text", "name": "id", "alphabet": "0123456789", "max_length": 9},
            ],
        }
    )
    real, synthetic, held_out = (
        with_ids(people(90, seed), letters) for seed, letters in ((1, 4), (2, 9), (3, 4))
    )
    names = ["age", "job"]
    without = assess_table(real.select(names), synthetic.select(names), held_out.select(names))
    found = assess_table(real, synthetic, held_out, schema)
    assert found.scores == without.scores
    assert found.fields[-1].kind == "text"
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


def test_one_column_is_a_table() -> None:
    only = [people(80, seed).select(["job"]) for seed in (1, 2, 3)]
    found = assess_table(only[0], only[1], only[2])
    assert found.trends == ()
    assert found.components is None
    assert found.scores.synthetic.overall == pytest.approx(
        100 * found.fields[0].similarity.synthetic
    )
