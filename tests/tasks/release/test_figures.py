import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.region import Region
from tasks.release.figures import MAP_CELLS, figures_of, nice_number, size_m
from tasks.schema import RELEASE


@pytest.mark.parametrize("areas", [1, 2])
def test_every_row_is_in_every_figure_once(
    areas: int,
    make_region: Callable[..., Region],
    make_rows: Callable[[Region, int], pa.Table],
) -> None:
    region = make_region()
    if areas == 2:
        box = region.service_area[0].model_dump()
        other = {**box, "name": "other", "south": 50.0, "north": 50.1}
        region = make_region(service_area=[box, other])
    figures = figures_of(make_rows(region, 700), region.service_area)
    assert figures.hours.sum() == figures.distances.sum() == 700
    for ends in ("origins", "destinations"):
        assert sum(getattr(area, ends).sum() for area in figures.areas) == 700
    assert [a.trips for a in figures.areas] == sorted([a.trips for a in figures.areas])[::-1]


def test_a_point_lands_in_its_cell(region: Region) -> None:
    (box,) = region.service_area
    width, height = size_m(box)
    corners = [box.south, box.west, box.north, box.east]
    row = pa.table([[box.name], [5], *[[c] for c in corners], [500.0]], schema=RELEASE.arrow())
    figures = figures_of(row, region.service_area)
    (area,) = figures.areas
    assert area.origins.shape == (
        math.ceil(height / figures.cell_m),
        math.ceil(width / figures.cell_m),
    )
    assert area.origins[0, 0] == area.destinations[-1, -1] == 1
    assert figures.hours.tolist() == [0] * 5 + [1] + [0] * 18
    assert max(area.origins.shape) <= MAP_CELLS[0]


def test_width_shrinks_with_latitude(region: Region) -> None:
    (box,) = region.service_area
    width, height = size_m(box)
    assert height == pytest.approx(11_119.5, abs=1)
    assert width == pytest.approx(2 * 11_119.5 * math.cos(math.radians(52.45)), abs=1)


def test_a_release_without_rows_has_figures(region: Region) -> None:
    figures = figures_of(RELEASE.arrow().empty_table(), region.service_area)
    assert figures.hours.sum() == figures.distances.sum() == 0
    assert np.isnan(figures.median_m)


@given(st.floats(1, 1e9))
def test_a_nice_number_is_not_under_and_never_far_over(least: float) -> None:
    number = nice_number(least)
    assert least <= number < 2.5 * least + 1
    assert str(number).rstrip("0") in {"1", "2", "5"}
