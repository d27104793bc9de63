"""The joint sensitivity: what a ride, its start and its end, can change in all tables together."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.privacy.weighted_counts import WeightedMeasurement, multiplied
from tasks.region import Box, Guarantee
from tasks.synthesis.trip_ends import EndsPlan, EndsSettings, make_plan
from tasks.synthesis.trip_ends.tables import KINDS, table_sizes, touched

BOXES = (
    Box(name="a", south=52.3, west=10.6, north=52.4, east=10.75),
    Box(name="b", south=-0.05, west=-78.6, north=0.03, east=-78.313),
)
PLAN = make_plan(BOXES, 20_000, 19_000, Guarantee(epsilon=1, delta=5e-7), EndsSettings())
NOISE = PLAN.mechanism.event().noise_multiplier
COLUMNS = ("kind", "area", "hour", "latitude", "longitude")

Row = tuple[Any, ...]


def weighted(rows: list[Row], plan: EndsPlan = PLAN) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The true counts of all tables, divided by their noise: one vector."""
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    types = (pa.string(), pa.string(), pa.int8(), pa.float64(), pa.float64())
    table = pa.table(
        [pa.array(values, type) for values, type in zip(columns, types, strict=True)],
        names=COLUMNS,
    )
    cells = touched(plan.lattice, table)
    return np.concatenate(
        [multiplied(t, cells[t.name]) / float(t.sigma) for t in plan.mechanism.tables]
    )


@st.composite
def any_place(draw: st.DrawFn) -> Row:
    """Area, hour and position of an event, in the service area or not."""
    if draw(st.integers(0, 4)) == 0:
        area, hour = draw(st.sampled_from(["a", "b", None])), draw(st.integers(-1, 25))
        return area, hour, draw(st.floats(-1, 53)), draw(st.floats(-79, 11))
    box = draw(st.sampled_from(BOXES))
    place = draw(st.floats(box.south, box.north)), draw(st.floats(box.west, box.east))
    return box.name, draw(st.integers(0, 23)), *place


@st.composite
def any_ride(draw: st.DrawFn) -> list[Row]:
    """A start and an end, often in one cell at one hour; or only one of the two."""
    start = draw(any_place())
    end = start if draw(st.booleans()) else draw(any_place())
    rows = [("start", *start), ("end", *end)]
    return draw(st.sampled_from([rows, rows[::-1], rows[:1], rows[1:]]))


@settings(max_examples=25)
@given(others=st.lists(any_ride(), max_size=2), ride=any_ride())
def test_one_ride_moves_the_weighted_vector_by_at_most_its_stated_norm(
    others: list[list[Row]], ride: list[Row]
) -> None:
    day = [row for other in others for row in other]
    change = weighted(day + ride) - weighted(day)
    assert float(np.linalg.norm(change)) <= 1 / NOISE
    # what a ride adds does not depend on the rides beside it
    assert change == pytest.approx(weighted(ride), abs=1e-12)


@settings(max_examples=20)
@given(place=any_place(), kind=st.sampled_from(KINDS))
def test_one_event_takes_half_of_the_budget(place: Row, kind: str) -> None:
    norm = float(np.linalg.norm(weighted([(kind, *place)])))
    assert norm <= 1 / (NOISE * math.sqrt(2)) * (1 + 1e-9)
    area, hour, latitude, longitude = place
    inside = any(
        box.name == area
        and box.south <= latitude <= box.north
        and box.west <= longitude <= box.east
        for box in BOXES
    )
    # an event that is none by the fixed rule contributes exactly nothing
    assert (norm > 0) == (inside and 0 <= hour <= 23)


HERE, THERE = ("a", 8, 52.3101, 10.6101), ("a", 9, 52.39, 10.74)


@pytest.mark.parametrize("end", [HERE, THERE], ids=["in one cell", "from cell to cell"])
def test_the_norm_is_reached_wherever_the_ride_ends(end: Row) -> None:
    norm = float(np.linalg.norm(weighted([("start", *HERE), ("end", *end)])))
    assert norm == pytest.approx(1 / NOISE, rel=0.01)  # rounding costs under one per cent


@pytest.mark.parametrize("other", [300, 9_000, 900_000])
def test_a_ride_over_midnight_costs_no_more_than_one_within_a_day(other: int) -> None:
    """Its start is measured on one day, its end on the next, which may be planned otherwise."""
    guarantee = Guarantee(epsilon=1, delta=5e-7)
    next_day = make_plan(BOXES, other, other, guarantee, EndsSettings())
    least = min(NOISE, next_day.mechanism.event().noise_multiplier)
    squares = [
        float(np.sum(weighted([("start", *HERE)]) ** 2)),
        float(np.sum(weighted([("end", *THERE)], next_day) ** 2)),
    ]
    assert sum(squares) <= 1 / least**2


def test_starts_and_ends_share_one_budget() -> None:
    shares = {
        table.name: table.l2_sensitivity_squared(1) / float(table.sigma) ** 2
        for table in PLAN.mechanism.tables
    }
    assert sum(shares.values()) == pytest.approx(1 / NOISE**2, rel=0.01)
    assert set(shares) == set(table_sizes(PLAN.lattice))
    for name, share in shares.items():
        assert share == shares[name.replace("start", "end")]


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_that_forgot_starts_or_ends_would_promise_too_much(kind: str) -> None:
    kept = tuple(table for table in PLAN.mechanism.tables if not table.name.startswith(kind))
    forgetful = WeightedMeasurement(kept).event().noise_multiplier
    assert forgetful > NOISE * 1.4
    assert float(np.linalg.norm(weighted([("start", *HERE), ("end", *THERE)]))) > 1 / forgetful


@settings(max_examples=20)
@given(rides=st.lists(st.tuples(any_place(), any_place()), min_size=2, max_size=5), data=st.data())
def test_which_end_belongs_to_which_start_makes_no_difference(
    rides: list[tuple[Row, Row]], data: st.DataObject
) -> None:
    starts, ends = ([(kind, *ride[i]) for ride in rides] for i, kind in enumerate(KINDS))
    exchanged = data.draw(st.permutations([*starts, *ends]))
    assert (weighted(exchanged) == weighted([*starts, *ends])).all()
