import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mobility.areas import square_degrees
from tasks.region import Box
from tasks.synthesis.trip_field.lattice import (
    CELLS,
    ENDS,
    FAR,
    NEAR,
    PARTS,
    REACH,
    Lattice,
)
from tests.tasks.synthesis.boxes import any_box, any_holed_area


def trips_in(box: Box, generator: np.random.Generator, rows: int) -> pa.Table:
    """Trips anywhere in a box, corners among them."""
    ends = generator.random((rows, 4))
    ends[:4] = [[0, 0, 1, 1], [1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 1]]
    latitude = np.clip(box.south + ends[:, ::2] * (box.north - box.south), box.south, box.north)
    longitude = np.clip(box.west + ends[:, 1::2] * (box.east - box.west), box.west, box.east)
    return pa.table(
        {
            "area": pa.array([box.name] * rows),
            "hour": generator.integers(0, 24, rows).astype(np.int8),
            "origin_latitude": latitude[:, 0],
            "origin_longitude": longitude[:, 0],
            "destination_latitude": latitude[:, 1],
            "destination_longitude": longitude[:, 1],
        }
    )


@settings(max_examples=40)
@given(box=any_box(largest=0.4), seed=st.integers(0, 100), finer=st.integers(0, 2))
def test_every_position_of_every_box_lies_in_the_part_it_is_given(
    box: Box, seed: int, finer: int
) -> None:
    lattice = Lattice((box,), 100 * 2**finer)
    places = lattice.encode(trips_in(box, np.random.default_rng(seed), 50))
    for end, (block, cell, part) in enumerate(
        (
            (places.origin, places.origin_cell, places.origin_part),
            (places.destination, places.destination_cell, places.destination_part),
        )
    ):
        assert ((block >= 0) & (block < lattice.blocks)).all()
        assert ((cell >= 0) & (cell < CELLS) & (part >= 0) & (part < PARTS)).all()
        assert (lattice.cover[block, cell, part] > 0).all()
        edges = lattice.part_edges(block, cell, part)
        position = places.degrees[:, 2 * end : 2 * end + 2]
        assert (position >= edges[:, :2] - 1e-7).all()
        assert (position <= edges[:, 2:] + 1e-7).all()


@settings(max_examples=40)
@given(box=any_box(largest=0.4))
def test_covers_add_up_to_the_box(box: Box) -> None:
    lattice = Lattice((box,))
    part = 1 / (16 * lattice.cells_per_degree * lattice.columns_per_degree[0])
    size = (box.north - box.south) * (box.east - box.west)
    assert lattice.cover.sum() * part == pytest.approx(size, rel=2e-3)


def test_cells_are_those_of_whole_degrees() -> None:
    lattice = Lattice((Box(name="a", south=37.55, west=-122.55, north=37.95, east=-122.1),))
    row = {
        "area": ["a"],
        "hour": [0],
        "origin_latitude": [37.6],
        "origin_longitude": [-122.51],
        "destination_latitude": [37.609999],
        "destination_longitude": [-122.500001],
    }
    places = lattice.encode(pa.table(row))
    second_row = lattice.shapes[0, 1]
    assert places.origin.tolist() == places.destination.tolist() == [second_row]
    assert places.origin_cell.tolist() == places.destination_cell.tolist() == [4]
    assert (places.origin_part.item(), places.destination_part.item()) == (0, 15)


def test_neighbours_are_where_offsets_lead(wide_box: Box) -> None:
    lattice = Lattice((wide_box,))
    block = np.repeat(np.arange(lattice.blocks), lattice.blocks)
    to = np.tile(np.arange(lattice.blocks), lattice.blocks)
    offset = lattice.offset(block, to)
    near = offset != FAR
    assert near.any()
    assert not near.all()
    assert (lattice.neighbours[offset[near], block[near]] == to[near]).all()
    rows, columns = np.divmod(np.arange(NEAR), 2 * REACH + 1)
    assert (lattice.neighbours[:, 0] < lattice.blocks).sum() == (REACH + 1) ** 2
    assert rows.max() == columns.max() == 2 * REACH


@pytest.fixture
def wide_box() -> Box:
    return Box(name="wide", south=-0.1, west=8.0, north=0.3, east=8.4)


def test_cells_stay_about_as_wide_as_high_towards_the_poles() -> None:
    for south in (0.0, 30.0, 52.0, 60.5, 70.0):
        lattice = Lattice((Box(name="a", south=south, west=8, north=south + 0.2, east=8.2),))
        assert 0.49 < lattice.aspect[0] <= 1.02


def test_rows_that_are_no_trips_are_left_out() -> None:
    box = Box(name="a", south=37.55, west=-122.55, north=37.95, east=-122.1)
    trips = trips_in(box, np.random.default_rng(0), 6).to_pylist()
    trips[1]["hour"] = 24
    trips[2]["area"] = None
    trips[3]["origin_latitude"] = 38.0
    trips[4].update(
        destination_latitude=trips[4]["origin_latitude"],
        destination_longitude=trips[4]["origin_longitude"],
    )
    assert Lattice((box,)).encode(pa.Table.from_pylist(trips)).row.tolist() == [0, 5]


@settings(max_examples=20)
@given(area=any_holed_area(), finer=st.integers(0, 2))
def test_covers_add_up_to_the_polygons(area: Box, finer: int) -> None:
    lattice = Lattice((area,), 100 * 2**finer)
    part = 1 / (16 * lattice.cells_per_degree * lattice.columns_per_degree[0])
    assert lattice.cover.sum() * part == pytest.approx(square_degrees(area), rel=1e-5)
    assert lattice.cover.min() == 0
    assert lattice.cover.max() <= 1


def test_a_position_on_the_outline_has_a_part_inside() -> None:
    """The outline runs along the lines between parts, which belong to the parts north-east."""
    ring = [[8.0, 50.0], [8.05, 50.0], [8.05, 50.05], [8.0, 50.05], [8.0, 50.0]]
    hole = [[8.02, 50.02], [8.03, 50.02], [8.03, 50.03], [8.02, 50.03], [8.02, 50.02]]
    edges = {"south": 49.98, "west": 7.98, "north": 50.08, "east": 8.08}
    area = Box.model_validate({"name": "a", **edges, "polygons": [[ring, hole]]})
    for latitude, longitude in ((50.05, 8.05), (50.05, 8.011), (50.02, 8.025), (50.03, 8.03)):
        ends = dict(zip(ENDS, ([latitude], [longitude], [50.001], [8.001]), strict=True))
        places = Lattice((area,)).encode(pa.table({"area": ["a"], "hour": [0], **ends}))
        assert len(places.row) == 1
        block, cell, part = places.origin, places.origin_cell, places.origin_part
        assert Lattice((area,)).cover[block, cell, part] == 1
