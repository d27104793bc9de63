from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from expectations.suite import columns_of, passes, validate
from expectations.trips import row_suite, schema_suite
from tasks.region import Region
from tasks.schema.trips import FLAGS

Moves = Callable[[int], pa.Table]
Put = Callable[[pa.Table, str, Any], pa.Table]


def test_good_moves_meet_everything(region: Region, moves: Moves) -> None:
    frame = moves(50).to_pandas()
    assert validate(frame, [*schema_suite(), *row_suite(region)]) == []


def test_a_flagged_move_and_one_outside_the_area_may_stay(
    region: Region, moves: Moves, put: Put
) -> None:
    table = put(moves(50), "is_trip", {3: False, 4: False})
    table = put(put(table, "area", {3: None}), "too_fast", {4: True})
    assert validate(table.to_pandas(), row_suite(region)) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("area", None),
        ("area", "elsewhere"),
        *((flag.name, True) for flag in FLAGS),
        ("distance_m", 100.0),
        ("hour", 24),
        ("vehicle_type", "broomstick"),
        ("feed", "three"),
        ("vehicle_id", None),
        ("origin_latitude", 52.6),
        ("duration_s", -1.0),
    ],
)
def test_a_broken_move_is_found(
    column: str, value: Any, region: Region, moves: Moves, put: Put
) -> None:
    frame = put(moves(50), column, {9: value}).to_pandas()
    failures = validate(frame, row_suite(region))
    assert {failure.rows for failure in failures} == {(9,)}
    assert {failure.values for failure in failures} == {()}


def test_a_move_that_ends_in_a_hole_is_found(holed_region: Region, moves: Moves, put: Put) -> None:
    table = moves(60)
    west = [row for row, area in enumerate(table["area"].to_pylist()) if area == "west"]
    places = ("destination_latitude", "destination_longitude", "origin_latitude")
    for column, value in zip(places, (52.4, 10.58, 52.44), strict=True):
        table = put(table, column, dict.fromkeys(west, value))
    assert validate(table.to_pandas(), row_suite(holed_region)) == []
    assert passes(table.to_pandas(), row_suite(holed_region))
    table = put(table, "destination_longitude", {west[9]: 10.5})
    failures = validate(table.to_pandas(), row_suite(holed_region))
    assert {failure.rows for failure in failures} == {(west[9],)}
    assert not passes(table.to_pandas(), row_suite(holed_region))
    assert {"area", *places} <= set(columns_of(row_suite(holed_region)))
