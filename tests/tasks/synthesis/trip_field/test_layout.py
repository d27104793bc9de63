import numpy as np
import pytest

from tasks.region import Box
from tasks.synthesis.trip_field.lattice import CELLS, FAR, Lattice, Places
from tasks.synthesis.trip_field.layout import BY_AREA, BY_NOTHING, by_place, layouts
from tasks.synthesis.trip_field.sampling import sample
from tasks.synthesis.trip_field.tables import table_sizes, touched
from tests.tasks.synthesis.trip_field.conftest import random_field

BOXES = (
    Box(name="town", south=50.0, west=8.0, north=50.1, east=8.1),
    Box(name="village", south=51.0, west=8.0, north=51.05, east=8.12),
)
LATTICE = Lattice(BOXES)


def places() -> Places:
    draws = [sample(random_field(box, 1), 300, np.random.default_rng(0)) for box in BOXES]
    encoded = [LATTICE.encode(trips) for trips in draws]
    return Places(
        **{
            name: np.concatenate([getattr(one, name) for one in encoded])
            for name in vars(encoded[0])
        }
    )


def test_every_table_has_a_layout_of_its_size() -> None:
    found = layouts(LATTICE)
    assert set(found) == set(table_sizes(LATTICE))
    for name, (cells, _) in table_sizes(LATTICE).items():
        assert all(scale.shape == (cells,) for scale in found[name].scales), name
        assert found[name].summand_of.shape == (cells,), name


def test_places_are_those_where_the_trips_are() -> None:
    trips, found = places(), layouts(LATTICE)
    cells = touched(LATTICE, trips)
    area, cell = LATTICE.area[trips.origin], trips.origin * CELLS + trips.origin_cell
    for name in ("sixteenths", "quarters"):
        assert (found[name].scales[0][cells[name][:, 0]] == cell).all(), name
        assert (found[name].scales[1][cells[name][:, 0]] == trips.origin).all(), name
    for name in ("ends", "block_ends", "origins", "block_hours", "flows"):
        assert (found[name].scales[0][cells[name][:, 0]] == trips.origin).all(), name
    for name in ("ends", "sixteenths", "area_hours", "area_distances"):
        assert (found[name].scales[-1][cells[name][:, 0]] == area).all(), name


def test_what_is_new_at_a_block_concerns_all_cells_that_lie_there() -> None:
    trips, found = places(), layouts(LATTICE)
    cells = touched(LATTICE, trips)
    at_block = np.zeros(LATTICE.blocks)
    at_block[trips.destination[0]] = 7.0
    new = by_place(LATTICE, np.arange(LATTICE.blocks), at_block)
    assert new.sum() == 3 * 7  # the block, its area, everywhere
    area = LATTICE.area[trips.destination[0]]
    for name, layout in found.items():
        here = sum((new[place] for place in layout.within), np.zeros(table_sizes(LATTICE)[name][0]))
        seen = here[cells[name][:, 0]] > 0
        if name == "flows":
            near = LATTICE.offset(trips.origin, trips.destination) != FAR
            ends = (trips.destination == trips.destination[0]) & near
            assert (seen == (ends | (trips.origin == trips.destination[0]))).all()
        elif name in BY_NOTHING:
            assert seen.all(), name
        elif name in BY_AREA:
            assert (seen == (LATTICE.area[trips.origin] == area)).all(), name
        else:
            assert (seen == (trips.origin == trips.destination[0])).all(), name


def test_sums_are_sums_and_come_before_their_summands() -> None:
    found, cells = layouts(LATTICE), touched(LATTICE, places())
    counts = {
        name: np.bincount(cells[name][cells[name] >= 0], minlength=size)
        for name, (size, _) in table_sizes(LATTICE).items()
    }
    order = list(found)
    summed = [(name, layout) for name, layout in found.items() if layout.whole is not None]
    assert len(summed) == 4
    for name, layout in summed:
        assert layout.whole is not None
        assert order.index(layout.whole) < order.index(name)
        total = np.bincount(layout.summand_of, counts[name], len(counts[layout.whole]))
        assert total == pytest.approx(counts[layout.whole]), name
