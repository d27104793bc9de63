from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from expectations.ends import row_suite, schema_suite
from expectations.suite import validate
from tasks.region import Region

Ends = Callable[[int], pa.Table]
Put = Callable[[pa.Table, str, Any], pa.Table]


@pytest.fixture
def region(region: Region) -> Region:
    """Of its two feeds the first changes its ids."""
    one, two = region.feeds
    changing = one.model_copy(update={"id_regime": "per_trip"})
    return region.model_copy(update={"feeds": (changing, two)})


def test_good_ends_meet_everything(region: Region, ends: Ends, put: Put) -> None:
    frame = put(ends(50), "area", {3: None}).to_pandas()
    assert validate(frame, [*schema_suite(), *row_suite(region)]) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("feed", "two"),
        ("kind", "middle"),
        ("kind", None),
        ("time", None),
        ("hour", 24),
        ("area", "elsewhere"),
        ("latitude", 52.6),
        ("longitude", 181.0),
    ],
)
def test_a_broken_end_is_found(
    column: str, value: Any, region: Region, ends: Ends, put: Put
) -> None:
    frame = put(ends(50), column, {9: value}).to_pandas()
    failures = validate(frame, row_suite(region))
    assert {failure.rows for failure in failures} == {(9,)}
