"""Every number that SDMetrics defines too is the number that SDMetrics finds."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
from sdmetrics.reports import QualityReport
from sdmetrics.single_column import (
    BoundaryAdherence,
    CategoryAdherence,
    KSComplement,
    TVComplement,
)

from tasks.quality import fields, trends
from tasks.quality.adherence import keeps
from tasks.quality.columns import kinds_of
from tasks.quality.report import assess_table
from tests.tasks.quality.conftest import people

SEEDS = (1, 2, 3)


def pair(seed: int) -> tuple[pa.Table, pa.Table, pd.DataFrame, pd.DataFrame]:
    """Two tables that differ, and the same for SDMetrics, dates as numbers of days."""
    real, other = people(700, seed), people(500, seed + 100, strength=0.4)
    return real, other, frame(real), frame(other)


def frame(table: pa.Table) -> pd.DataFrame:
    born = table["born"].cast(pa.int32())
    return table.set_column(2, "born", born).to_pandas()


@pytest.mark.parametrize("seed", SEEDS)
def test_column_shapes(seed: int) -> None:
    real, other, a, b = pair(seed)
    for name, kind in kinds_of(real.schema).items():
        metric = TVComplement if kind == "category" else KSComplement
        found = fields.similarity(real, other, name, kind)
        assert found == pytest.approx(metric.compute(a[name], b[name]), abs=1e-6), name
        assert 0 < found < 1


@pytest.mark.parametrize("seed", SEEDS)
def test_correlations(seed: int) -> None:
    real, other, a, b = pair(seed)
    for names in (("age", "income"), ("income", "born")):
        pair_of_columns = list(names)
        due = CorrelationSimilarity.compute(a[pair_of_columns], b[pair_of_columns])
        found = trends.similarity(real, other, names, kinds_of(real.schema))
        assert found == pytest.approx(due)
        assert found < 0.99


@pytest.mark.parametrize("seed", SEEDS)
def test_contingencies(seed: int) -> None:
    real, other, a, b = pair(seed)
    for one, second in (("job", "married"), ("age", "job"), ("married", "income")):
        numbers = [name for name in (one, second) if name in ("age", "income")]
        due = ContingencySimilarity.compute(
            a[[one, second]].copy(), b[[one, second]].copy(), continuous_column_names=numbers
        )
        found = trends.similarity(real, other, (one, second), kinds_of(real.schema))
        assert found == pytest.approx(due)
        assert found < 0.99


@pytest.mark.parametrize("seed", SEEDS)
def test_adherence(seed: int) -> None:
    real, other, a, b = pair(seed)
    real = real.filter(real["age"].to_numpy() < 70)
    a = a[a["age"] < 70]
    for name, kind in kinds_of(real.schema).items():
        metric = CategoryAdherence if kind == "category" else BoundaryAdherence
        due = metric.compute(a[name], b[name])
        assert keeps(real, other, name, kind).mean() == pytest.approx(due), name
    assert keeps(real, other, "age", "number").mean() < 0.9


@pytest.mark.parametrize("names", [["age", "income"], ["job", "married"]], ids=str)
def test_the_overall_score_of_numbers_and_of_categories(names: list[str]) -> None:
    real, other, a, b = pair(1)
    held_out = people(len(other), 9).select(names)
    scores = assess_table(real.select(names), other.select(names), held_out).scores
    report = QualityReport()
    report.real_correlation_threshold = report.real_association_threshold = 0  # every pair counts
    kind = "numerical" if names[0] == "age" else "categorical"
    metadata: dict[str, Any] = {
        "tables": {"people": {"columns": {name: {"sdtype": kind} for name in names}}}
    }
    report.generate({"people": a[names]}, {"people": b[names]}, metadata, verbose=False)
    due = report.get_properties().set_index("Property")["Score"]
    assert scores.synthetic.shapes == pytest.approx(due["Column Shapes"], abs=1e-6)
    assert scores.synthetic.trends == pytest.approx(due["Column Pair Trends"])
    assert scores.synthetic.overall == pytest.approx(100 * report.get_score(), abs=1e-4)


def test_a_constant_column_is_where_the_two_part() -> None:
    real = people(300, 1).select(["age", "income"])
    flat = real.set_column(0, "age", pa.array(np.full(300, 30, np.int16)))
    found = trends.similarity(real, flat, ("age", "income"), kinds_of(real.schema))
    with pytest.raises(Exception, match="constant"):
        CorrelationSimilarity.compute(real.to_pandas(), flat.to_pandas())
    assert found == pytest.approx(1 - trends.correlation(real, ("age", "income")) / 2)
