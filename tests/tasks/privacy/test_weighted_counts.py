import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import dp_accounting
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.privacy.accountant import epsilon_by_pld
from tasks.privacy.errors import StepsSpentError
from tasks.privacy.weighted_counts import WeightedMeasurement, WeightedTable, multiplied


@settings(max_examples=60)
@given(
    noise=st.floats(0.3, 500),
    shares=st.lists(st.floats(0.01, 1), min_size=1, max_size=5),
    distinct=st.integers(1, 2),
    unit=st.integers(1, 10),
)
def test_a_measurement_never_costs_more_than_it_was_given(
    noise: float, shares: list[float], distinct: int, unit: int
) -> None:
    tables = {str(index): (10, distinct, share / sum(shares)) for index, share in enumerate(shares)}
    measurement = WeightedMeasurement.within(noise, tables, unit)
    multiplier = measurement.event().noise_multiplier
    assert noise <= multiplier <= noise * 1.005
    norm = sum(t.l2_sensitivity_squared(unit) / float(t.sigma) ** 2 for t in measurement.tables)
    assert 1 / math.sqrt(norm) >= multiplier


@pytest.mark.parametrize(
    "change", [{"distinct": 2}, {"multiplier": 4}, {"sigma": Fraction(21)}], ids=str
)
def test_rule_4_a_changed_field_changes_the_event(change: dict[str, Any]) -> None:
    table = WeightedTable("a", 4, 1, 3, Fraction(20))
    event = WeightedMeasurement((table,)).event()
    assert event != WeightedMeasurement((replace(table, **change),)).event()
    assert event != WeightedMeasurement((table, replace(table, name="b"))).event()
    assert event != WeightedMeasurement((table,), trips_per_unit=2).event()


def test_the_event_costs_what_its_tables_cost_one_after_the_other() -> None:
    tables = {"a": (5, 1, 0.5), "b": (5, 2, 0.3), "c": (5, 1, 0.2)}
    measurement = WeightedMeasurement.within(4.0, tables)
    alone = [WeightedMeasurement((table,)).event() for table in measurement.tables]
    composed = epsilon_by_pld(dp_accounting.ComposedDpEvent(alone), 1e-6)
    assert epsilon_by_pld(measurement.event(), 1e-6) == pytest.approx(composed, rel=1e-3)


def test_noise_has_the_size_that_is_stated() -> None:
    tables = {"fine": (40_000, 1, 0.9), "coarse": (40_000, 1, 0.1)}
    measurement = WeightedMeasurement.within(0.5, tables)
    touched = np.zeros((7, 1), np.int64)
    noisy = measurement.begin().measure({"fine": touched, "coarse": touched})
    for table in measurement.tables:
        counts = noisy[table.name] / table.multiplier
        assert counts[1:].std() == pytest.approx(table.stddev, rel=0.02)
        assert counts[1:].mean() == pytest.approx(0, abs=5 * table.stddev / 200)
        assert counts[0] == pytest.approx(7, abs=6 * table.stddev)
    assert measurement.tables[0].stddev == pytest.approx(0.5 / math.sqrt(0.9), rel=0.01)


def test_two_attempts_draw_different_noise_and_each_measures_once() -> None:
    measurement = WeightedMeasurement.within(5.0, {"a": (100, 1, 1.0)})
    none = {"a": np.zeros((0, 1), np.int64)}
    run = measurement.begin()
    first = run.measure(none)["a"]
    assert (first != measurement.begin().measure(none)["a"]).any()
    with pytest.raises(StepsSpentError, match="already"):
        run.measure(none)


def test_null_records_contribute_nothing() -> None:
    table = WeightedTable("a", 4, 2, 3, Fraction(20))
    counts = multiplied(table, np.array([[1, -1], [-1, -1], [1, 2]]))
    assert counts.tolist() == [0, 6, 3, 0]


def test_what_would_exceed_the_sensitivity_is_refused() -> None:
    measurement = WeightedMeasurement.within(5.0, {"a": (4, 2, 1.0)})
    with pytest.raises(ValueError, match="twice"):
        measurement.begin().measure({"a": np.array([[1, 1]])})
    with pytest.raises(ValueError, match="no cell 4"):
        measurement.begin().measure({"a": np.array([[1, 4]])})
    with pytest.raises(ValueError, match="shape"):
        measurement.begin().measure({"a": np.array([[1, 2, 3]])})
    with pytest.raises(ValueError, match="more than 1"):
        WeightedMeasurement.within(5.0, {"a": (4, 2, 0.6), "b": (4, 1, 0.6)})
    with pytest.raises(ValueError, match="different names"):
        WeightedMeasurement(())
    with pytest.raises(ValueError, match="trips_per_unit"):
        WeightedMeasurement(measurement.tables, 0)


def test_a_description_can_be_read_back() -> None:
    measurement = WeightedMeasurement.within(5.0, {"a": (4, 2, 0.5), "b": (9, 1, 0.5)}, 3)
    assert WeightedMeasurement.described(measurement.describe()) == measurement
