import numpy as np
import pyarrow as pa

from tasks.region import Box
from tasks.schema import ESTIMATED, GRIDS
from tasks.synthesis.trip_field.lattice import CELLS, Lattice
from tasks.synthesis.trip_field.sampling import sample
from tasks.synthesis.trip_field.targets import COARSE, FINE, KINDS, Kind, pair, targets_of
from tests.tasks.synthesis.trip_field.conftest import random_field

BOX = Box(name="town", south=50.0, west=8.0, north=50.17, east=8.13)


def test_every_kind_that_is_declared_is_one_of_the_table() -> None:
    assert {kind.counted for kind in KINDS} == set(ESTIMATED)
    assert {kind.grid for kind in KINDS} == {*GRIDS, None}


def test_trips_are_told_apart_by_degrees_hour_and_distance() -> None:
    trips = sample(random_field(BOX, 1), 500, np.random.default_rng(0))
    found = targets_of(Lattice((BOX,)), trips)
    names = ("origin_latitude", "origin_longitude", "destination_latitude", "destination_longitude")
    degrees = np.stack([trips[name].to_numpy() for name in names], axis=1)
    by_hand = {
        Kind("origins", FINE): np.floor(degrees[:, :2] * 100),
        Kind("destinations", FINE): np.floor(degrees[:, 2:] * 100),
        Kind("flows", FINE): np.floor(degrees * 100),
        Kind("origins", COARSE): np.floor(degrees[:, :2] * 20),
        Kind("destinations", COARSE): np.floor(degrees[:, 2:] * 20),
        Kind("flows", COARSE): np.floor(degrees * 20),
        Kind("hours"): trips["hour"].to_numpy()[:, None],
        Kind("distances"): np.floor(4 * np.log2(trips["distance_m"].to_numpy() / 100))[:, None],
    }
    assert list(found) == list(KINDS)
    for kind, key in by_hand.items():
        _, ours = np.unique(found[kind], return_inverse=True)
        _, theirs = np.unique(key, axis=0, return_inverse=True)
        both = np.unique(np.stack([ours, theirs.ravel()]), axis=1)
        assert both.shape[1] == ours.max() + 1 == theirs.max() + 1, kind


def test_a_flow_is_a_pair_of_places() -> None:
    public = Lattice((BOX,))
    trips = sample(random_field(BOX, 1), 100, np.random.default_rng(0))
    found = targets_of(public, trips)
    for grid in GRIDS:
        origin, destination = pair(public, grid, found[Kind("flows", grid)])
        assert (origin == found[Kind("origins", grid)]).all()
        assert (destination == found[Kind("destinations", grid)]).all()


def test_finer_cells_lie_in_public_ones() -> None:
    public = Lattice((BOX,))
    for cells_per_degree in (100, 200, 400):
        lattice = Lattice((BOX,), cells_per_degree)
        trips = sample(random_field(BOX, 2, cells_per_degree), 300, np.random.default_rng(1))
        fine, coarse = lattice.encode(trips), public.encode(trips)
        found = lattice.cells_on(public)[fine.origin, fine.origin_cell]
        assert (found == coarse.origin * CELLS + coarse.origin_cell).all()


def test_rows_without_trips_have_no_targets() -> None:
    none = sample(random_field(BOX, 1), 0, np.random.default_rng(0))
    assert isinstance(none, pa.Table)
    assert all(len(found) == 0 for found in targets_of(Lattice((BOX,)), none).values())
