from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mobility.areas import area_of
from tasks.mobility.distance import haversine
from tasks.region import Box
from tasks.schema import RELEASE
from tasks.synthesis.trip_field import Field
from tasks.synthesis.trip_field.lattice import CELLS, ENDS
from tasks.synthesis.trip_field.sampling import sample
from tests.tasks.synthesis.boxes import any_box, any_holed_area
from tests.tasks.synthesis.trip_field.conftest import random_field


def assert_valid(field: Field, rows: int, seed: int) -> None:
    table = sample(field, rows, np.random.default_rng(seed))
    assert table.schema == RELEASE.arrow()
    assert table.num_rows == rows
    boxes = {box.name: box for box in field.lattice.boxes}
    corners = np.array(
        [
            (boxes[name].south, boxes[name].west, boxes[name].north, boxes[name].east)
            for name in table["area"].to_pylist()
        ]
    ).reshape(-1, 4)
    ends = np.stack([table[name].to_numpy() for name in ENDS], axis=1)
    held = area_of(field.lattice.boxes, (ends[:, 0], ends[:, 1]), (ends[:, 2], ends[:, 3]))
    assert held.equals(table["area"].combine_chunks())
    for end in (ends[:, :2], ends[:, 2:]):
        assert (end >= corners[:, :2]).all()
        assert (end <= corners[:, 2:]).all()
    assert (np.round(ends, 6) == ends).all()
    distance = haversine(*ends.T)
    assert (distance > 100).all()
    assert np.allclose(distance, table["distance_m"].to_numpy(), rtol=1e-12)
    hour = table["hour"].to_numpy()
    assert ((hour >= 0) & (hour <= 23)).all()


@settings(max_examples=12)
@given(box=any_box(largest=0.4), seed=st.integers(0, 1000))
def test_every_row_is_valid_whatever_the_box(box: Box, seed: int) -> None:
    assert_valid(random_field(box, seed), 300, seed)


@pytest.mark.parametrize("cells_per_degree", [200, 400])
@settings(max_examples=4)
@given(area=st.one_of(any_box(largest=0.2), any_holed_area()), seed=st.integers(0, 1000))
def test_every_row_is_valid_however_fine_the_cells(
    cells_per_degree: int, area: Box, seed: int
) -> None:
    assert_valid(random_field(area, seed, cells_per_degree), 300, seed)


def test_any_number_of_rows_can_be_drawn(town_field: Field) -> None:
    for rows in (0, 1, 7, 40_000):
        assert_valid(town_field, rows, 1)


@pytest.mark.parametrize("cells_per_degree", [100, 200, 400])
def test_origins_get_their_share_give_or_take_one(cells_per_degree: int) -> None:
    rows = 20_000
    wide = Box(name="wide", south=-0.1, west=8.0, north=0.3, east=8.4)
    field = random_field(wide, 1, cells_per_degree)
    places = field.lattice.encode(sample(field, rows, np.random.default_rng(0)))
    cell = places.origin * CELLS + places.origin_cell
    counts = np.bincount(cell, minlength=field.lattice.blocks * CELLS)
    expected = field.flows.sum(axis=2).ravel() * rows
    # rounding to 1e-6 degrees moves an end over an edge once in a while
    assert np.abs(counts - expected).max() < 2.5
    block = np.arange(len(counts)) // CELLS
    off = np.abs(np.bincount(block, counts - expected)).sum()
    independent = np.random.default_rng(1).multinomial(rows, expected / expected.sum())
    assert off < 0.4 * np.abs(np.bincount(block, independent - expected)).sum()


def test_hours_get_their_share(wide_field: Field) -> None:
    rows = 20_000
    table = sample(wide_field, rows, np.random.default_rng(0))
    places = wide_field.lattice.encode(table)
    from tasks.synthesis.trip_field.tables import displacements, offset_m

    area = wide_field.lattice.area[places.origin]
    bins = displacements(wide_field.lattice).bin_of(
        *offset_m(wide_field.lattice, area, places.degrees)
    )
    expected = wide_field.hour_shares(places.origin, bins).sum(axis=0)
    counts = np.bincount(places.hour, minlength=24)
    assert np.abs(counts - expected).max() < 25  # independent draws: about 60


def test_one_generator_one_table(town_field: Field) -> None:
    first, second, third = (sample(town_field, 500, np.random.default_rng(s)) for s in (4, 4, 5))
    assert first.equals(second)
    assert not first.equals(third)


def test_parts_are_drawn_by_their_density() -> None:
    """In one cell with a single street, both ends lie on it."""
    box = Box(name="a", south=50.0, west=8.0, north=50.1, east=8.1)
    field = random_field(box, 0)
    parts = np.zeros_like(field.parts)
    parts[..., :4] = field.lattice.cover[..., :4] / 4
    table = sample(replace(field, parts=parts), 2_000, np.random.default_rng(0))
    places = field.lattice.encode(table)
    assert (places.origin_part < 4).mean() > 0.998  # rounding moves a few over the edge
    assert (places.destination_part < 4).mean() > 0.998


@settings(max_examples=12)
@given(area=any_holed_area(), seed=st.integers(0, 1000))
def test_every_row_of_an_area_with_a_hole_is_valid(area: Box, seed: int) -> None:
    assert_valid(random_field(area, seed), 300, seed)
