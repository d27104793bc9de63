from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from expectations.suite import validate
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
