"""The joint sensitivity: what one trip can change in all tables together."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.privacy.weighted_counts import WeightedMeasurement, multiplied
from tasks.region import Box, Guarantee
from tasks.synthesis.trip_field import FieldSettings, Plan, make_plan
from tasks.synthesis.trip_field.tables import table_sizes, touched

BOXES = (
    Box(name="a", south=52.3, west=10.6, north=52.4, east=10.75),
    Box(name="b", south=-0.05, west=-78.6, north=0.03, east=-78.313),
)
PLAN = make_plan(BOXES, 20_000, Guarantee(epsilon=1, delta=5e-7), FieldSettings())
NOISE = PLAN.mechanism.event().noise_multiplier


def weighted(plan: Plan, rows: list[dict[str, Any]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The true counts of all tables, divided by their noise: one vector."""
    columns = ("area", "hour", *ENDS)
    table = pa.table({name: [row[name] for row in rows] for name in columns})
    cells = touched(plan.lattice, plan.lattice.encode(table))
    return np.concatenate(
        [multiplied(t, cells[t.name]) / float(t.sigma) for t in plan.mechanism.tables]
    )


ENDS = ("origin_latitude", "origin_longitude", "destination_latitude", "destination_longitude")


@st.composite
def any_row(draw: st.DrawFn) -> dict[str, Any]:
    """A trip, or a row that is none."""
    box = draw(st.sampled_from(BOXES))
    origin = draw(st.floats(box.south, box.north)), draw(st.floats(box.west, box.east))
    if draw(st.booleans()):
        away = st.floats(-0.003, 0.003)
        destination = origin[0] + draw(away), origin[1] + draw(away)
    else:
        destination = draw(st.floats(-1, 53)), draw(st.floats(-79, 11))
        if draw(st.booleans()):
            destination = (
                draw(st.floats(box.south, box.north)),
                draw(st.floats(box.west, box.east)),
            )
    values = (draw(st.sampled_from(["a", "b", None])), draw(st.integers(-1, 25)))
    if draw(st.integers(0, 3)):
        values = (box.name, draw(st.integers(0, 23)))
    return dict(zip(("area", "hour", *ENDS), (*values, *origin, *destination), strict=True))


@settings(max_examples=30)
@given(rows=st.lists(any_row(), max_size=3), row=any_row())
def test_one_trip_moves_the_weighted_vector_by_at_most_its_stated_norm(
    rows: list[dict[str, Any]], row: dict[str, Any]
) -> None:
    change = weighted(PLAN, [*rows, row]) - weighted(PLAN, rows)
    norm = float(np.linalg.norm(change))
    assert norm <= 1 / NOISE
    is_trip = len(PLAN.lattice.encode(pa.Table.from_pylist([row])).row)
    assert (norm > 0) == bool(is_trip)  # a row that is no trip contributes exactly nothing
    # what a trip adds does not depend on the trips beside it
    assert change == pytest.approx(weighted(PLAN, [row]), abs=1e-12)


def test_the_norm_is_reached_by_a_trip_from_cell_to_cell() -> None:
    row = dict(zip(("area", "hour", *ENDS), ("a", 8, 52.31, 10.61, 52.39, 10.74), strict=True))
    norm = float(np.linalg.norm(weighted(PLAN, [row])))
    assert norm == pytest.approx(1 / NOISE, rel=0.01)  # rounding costs under one per cent


def test_both_ends_in_one_cell_count_once() -> None:
    row = dict(
        zip(("area", "hour", *ENDS), ("a", 8, 52.3101, 10.6101, 52.3119, 10.6119), strict=True)
    )
    cells = touched(PLAN.lattice, PLAN.lattice.encode(pa.Table.from_pylist([row])))
    assert (cells["ends"][0] >= 0).tolist() == [True, False]
    norm = float(np.linalg.norm(weighted(PLAN, [row])))
    assert norm < 1 / NOISE


def test_all_tables_share_one_budget() -> None:
    shares = [
        table.l2_sensitivity_squared(1) / float(table.sigma) ** 2 for table in PLAN.mechanism.tables
    ]
    assert sum(shares) == pytest.approx(1 / NOISE**2, rel=0.01)
    assert set(touched(PLAN.lattice, PLAN.lattice.encode(TRIP))) == set(table_sizes(PLAN.lattice))


TRIP = pa.table(
    {
        "area": ["a"],
        "hour": [3],
        **{name: [v] for name, v in zip(ENDS, (52.31, 10.61, 52.33, 10.63), strict=True)},
    }
)


@pytest.mark.parametrize("name", [table.name for table in PLAN.mechanism.tables])
def test_a_mechanism_without_one_table_would_be_cheaper(name: str) -> None:
    """Each table costs: an event that forgot one would be caught."""
    kept = tuple(table for table in PLAN.mechanism.tables if table.name != name)
    forgetful = WeightedMeasurement(kept).event().noise_multiplier
    assert forgetful > NOISE * (1 + 1e-4)
    row = dict(zip(("area", "hour", *ENDS), ("a", 8, 52.31, 10.61, 52.39, 10.74), strict=True))
    assert float(np.linalg.norm(weighted(PLAN, [row]))) > 1 / forgetful


def test_a_vehicle_with_many_trips_gets_that_much_more_noise() -> None:
    guarantee = Guarantee(
        unit="vehicle_day",
        adjacency="add_remove",
        max_trips_per_vehicle=4,
        epsilon=1,
        delta=5e-7,
    )
    plan = make_plan(BOXES, 200_000, guarantee, FieldSettings())
    row = dict(zip(("area", "hour", *ENDS), ("a", 8, 52.31, 10.61, 52.39, 10.74), strict=True))
    norm = float(np.linalg.norm(weighted(plan, [row] * 4)))
    assert norm <= 1 / plan.mechanism.event().noise_multiplier
    assert math.isclose(norm * plan.mechanism.event().noise_multiplier, 1, rel_tol=0.01)
