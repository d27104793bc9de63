import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.region import Region
from tasks.release.figures import MAP_CELLS, Bars, figures_of, nice_number, size_m
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
    figures = figures_of({"trips": make_rows(region, 700)}, region.service_area)
    assert figures.hours.counts.sum() == figures.distances.counts.sum() == 700
    for ends in ("origins", "destinations"):
        assert sum(getattr(area, ends).sum() for area in figures.areas) == 700
    assert [a.trips for a in figures.areas] == sorted([a.trips for a in figures.areas])[::-1]


def test_a_point_lands_in_its_cell(region: Region) -> None:
    (box,) = region.service_area
    width, height = size_m(box)
    corners = [box.south, box.west, box.north, box.east]
    row = pa.table([[box.name], [5], *[[c] for c in corners], [500.0]], schema=RELEASE.arrow())
    figures = figures_of({"trips": row}, region.service_area)
    (area,) = figures.areas
    assert area.origins.shape == (
        math.ceil(height / figures.cell_m),
        math.ceil(width / figures.cell_m),
    )
    assert area.origins[0, 0] == area.destinations[-1, -1] == 1
    assert figures.hours.counts.tolist() == [0] * 5 + [1] + [0] * 18
    assert max(area.origins.shape) <= MAP_CELLS[0]


def test_width_shrinks_with_latitude(region: Region) -> None:
    (box,) = region.service_area
    width, height = size_m(box)
    assert height == pytest.approx(11_119.5, abs=1)
    assert width == pytest.approx(2 * 11_119.5 * math.cos(math.radians(52.45)), abs=1)


def test_a_release_without_rows_has_figures(region: Region) -> None:
    figures = figures_of({"trips": RELEASE.arrow().empty_table()}, region.service_area)
    assert figures.hours.counts.sum() == figures.distances.counts.sum() == 0
    assert np.isnan(figures.median_m)


@given(st.floats(1, 1e9))
def test_a_nice_number_is_not_under_and_never_far_over(least: float) -> None:
    number = nice_number(least)
    assert least <= number < 2.5 * least + 1
    assert str(number).rstrip("0") in {"1", "2", "5"}


def test_intervals_lie_beside_the_bars_they_belong_to(
    region: Region,
    make_rows: Callable[[Region, int], pa.Table],
    make_intervals: Callable[[Region, pa.Table], pa.Table],
) -> None:
    rows = make_rows(region, 700)
    plain = figures_of({"trips": rows}, region.service_area)
    assert plain.hours.low is None
    assert plain.distances.high is None
    intervals = make_intervals(region, rows)
    figures = figures_of({"trips": rows, "intervals": intervals}, region.service_area)
    assert figures.hours.counts.tolist() == plain.hours.counts.tolist()
    assert figures.distances.counts.sum() == 700
    for bars in (figures.hours, figures.distances):
        assert bars.low is not None
        assert bars.high is not None
        known = bars.counts > 0
        assert (bars.low[known] < bars.counts[known]).all()
        assert bars.high[known].tolist() == (bars.counts[known] + 10).tolist()
    assert figures.distances.counts[0] > 0  # from the shortest row
    assert figures.distances.counts[-1] > 0  # to the longest
    assert not figures.distances.is_even


def test_an_hour_without_an_interval_has_none(
    region: Region,
    make_rows: Callable[[Region, int], pa.Table],
    make_intervals: Callable[[Region, pa.Table], pa.Table],
) -> None:
    rows = make_rows(region, 700)
    intervals = make_intervals(region, rows)
    intervals = intervals.filter(pc.or_kleene(pc.field("hour").is_null(), pc.field("hour") != 4))
    figures = figures_of({"trips": rows, "intervals": intervals}, region.service_area)
    assert figures.hours.low is not None
    assert np.flatnonzero(np.isnan(figures.hours.low)).tolist() == [4]
    assert figures.hours.most == max(figures.hours.counts[np.arange(24) != 4]) + 10


def test_the_open_class_does_not_make_bars_uneven() -> None:
    assert Bars(np.array([0.0, 5, 10, math.inf]), np.array([1, 2, 3])).is_even
    assert not Bars(np.array([0.0, 5, 20]), np.array([1, 2])).is_even
