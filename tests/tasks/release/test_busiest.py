from collections.abc import Callable

import pyarrow as pa
import pytest

from tasks.region import Region
from tasks.release.busiest import busiest
from tasks.release.figures import figures_of, size_m
from tasks.schema import RELEASE


def test_the_busiest_cells_are_named_by_their_middle(make_region: Callable[..., Region]) -> None:
    boxes = make_region(
        service_area=[
            {"name": "a", "south": 52.4, "west": 10.4, "north": 52.5, "east": 10.6},
            {"name": "b", "south": 52.2, "west": 10.4, "north": 52.3, "east": 10.6},
        ]
    ).service_area
    starts = [("a", 52.4501, 10.5001)] * 5 + [("b", 52.21, 10.41)] * 7 + [("a", 52.49, 10.59)]
    rows = pa.table(
        [
            [area for area, _, _ in starts],
            [8] * 13,
            [latitude for _, latitude, _ in starts],
            [longitude for _, _, longitude in starts],
            [52.4101 if area == "a" else 52.2101 for area, _, _ in starts],
            [10.5] * 13,
            [500.0] * 13,
        ],
        schema=RELEASE.arrow(),
    )
    figures = figures_of({"trips": rows}, boxes)
    found = busiest(figures, most=2)
    assert [(cell.area, cell.rows) for cell in found["origins"]] == [("b", 7), ("a", 5)]
    assert [(cell.area, cell.rows) for cell in found["destinations"]] == [("b", 7), ("a", 6)]
    _, height = size_m(boxes[0])
    half = figures.cell_m / height * 0.1 / 2
    assert found["origins"][1].latitude == pytest.approx(52.4501, abs=half)
    assert found["origins"][1].longitude == pytest.approx(10.5001, abs=2 * half)


def test_a_release_without_rows_has_no_busiest_cells(region: Region) -> None:
    figures = figures_of({"trips": RELEASE.arrow().empty_table()}, region.service_area)
    assert busiest(figures) == {"origins": [], "destinations": []}
