from pathlib import Path

import pytest

from tasks.simulated import INCOMES, incomes
from tasks.tables import CategoryColumn, from_lines, load_table, to_lines

ROOT = Path(__file__).parents[3]


def test_they_meet_the_shipped_schema() -> None:
    assert load_table(ROOT / "deployments" / "schemas" / "incomes.yaml") == INCOMES
    rows = incomes(3_000, seed=1)
    assert rows.num_rows == 3_000
    assert from_lines(to_lines(rows, INCOMES), INCOMES).equals(rows)


def test_the_seed_decides() -> None:
    assert incomes(500, seed=1).equals(incomes(500, seed=1))
    assert not incomes(500, seed=1).equals(incomes(500, seed=2))
    with pytest.raises(ValueError, match="0 people"):
        incomes(0, seed=1)


def test_the_columns_depend_on_one_another() -> None:
    frame = incomes(20_000, seed=2).to_pandas()
    income = frame.groupby("education")["income"].median()
    assert list(income.reindex(["none", "school", "college", "bachelor", "master"])) == sorted(
        income.reindex(["none", "school", "college", "bachelor", "master"])
    )
    prime = frame[frame["age"].between(40, 55)]["income"].median()
    assert prime > 1.3 * frame[frame["age"] < 25]["income"].median()
    share_of_men = (frame["sex"] == "male").groupby(frame["occupation"]).mean()
    assert share_of_men["engineering"] > 0.75
    assert share_of_men["office"] < 0.35
    hours = frame.groupby("occupation")["hours"].mean()
    assert hours["farming"] > hours["cleaning"] + 5
    assert frame[frame["age"] > 70]["hours"].mean() < frame["hours"].mean() - 2


def test_every_category_is_met() -> None:
    frame = incomes(20_000, seed=3).to_pandas()
    for column in INCOMES.columns:
        if not isinstance(column, CategoryColumn):
            continue
        shares = frame[column.name].value_counts(normalize=True)
        assert shares.size == len(column.values)
        assert shares.min() > 0.003
        assert shares.max() < 0.6
