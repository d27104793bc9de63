from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from expectations.sightings import row_suite, schema_suite
from expectations.suite import validate

Sightings = Callable[[int], pa.Table]


def test_good_sightings_meet_everything(sightings: Sightings) -> None:
    assert validate(sightings(60).to_pandas(), row_suite()) == []
    assert validate(sightings(0).to_pandas(), schema_suite()) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("latitude_e6", 90_000_001),
        ("longitude_e6", -180_000_001),
        ("vehicle_id", None),
        ("fetched_at", None),
        ("current_range_meters", -1),
    ],
)
def test_a_broken_sighting_is_found(
    column: str, value: Any, sightings: Sightings, put: Callable[..., pa.Table]
) -> None:
    frame = put(sightings(60), column, {59: value}).to_pandas()
    (failure,) = validate(frame, row_suite())
    assert (failure.column, failure.rows, failure.values) == (column, (59,), ())
