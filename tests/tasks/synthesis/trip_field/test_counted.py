"""Without noise, what was counted of a target is its true number, whatever the lattice."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.region import Box
from tasks.synthesis.trip_field.counted import Counts
from tasks.synthesis.trip_field.evidence import Evidence
from tasks.synthesis.trip_field.lattice import CELLS, Lattice
from tasks.synthesis.trip_field.sampling import sample
from tasks.synthesis.trip_field.tables import displacements, table_sizes, touched
from tasks.synthesis.trip_field.targets import COARSE, FINE, Kind, targets_of
from tests.tasks.synthesis.trip_field.conftest import random_field

BOX = Box(name="town", south=50.013, west=8.0077, north=50.17, east=8.13)
PUBLIC = Lattice((BOX,))


def true_counts(lattice: Lattice, trips: pa.Table) -> Evidence:
    cells = touched(lattice, lattice.encode(trips))
    values, stddev = {}, {}
    for number, (name, (size, _)) in enumerate(table_sizes(lattice).items()):
        hit = cells[name][cells[name] >= 0]
        values[name] = np.bincount(hit, minlength=size).astype(float)
        stddev[name] = np.full(size, 1.0 + number)
    return Evidence(values, stddev)


def numbers(kind: Kind, trips: pa.Table, size: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.bincount(targets_of(PUBLIC, trips)[kind], minlength=size)


@pytest.mark.parametrize("cells_per_degree", [100, 200, 400])
def test_places_hours_and_distances(cells_per_degree: int) -> None:
    field = random_field(BOX, 4, cells_per_degree)
    trips = sample(field, 600, np.random.default_rng(0))
    counts = Counts(PUBLIC, field.lattice, true_counts(field.lattice, trips))
    rings = displacements(PUBLIC).distances
    for kind, size in (
        (Kind("origins", FINE), PUBLIC.blocks * CELLS),
        (Kind("origins", COARSE), PUBLIC.blocks),
        (Kind("hours"), 24),
    ):
        found = counts.of(kind, np.arange(size))
        assert found.values == pytest.approx(numbers(kind, trips, size)), kind
        assert (found.variance > 0).all()
        assert np.isfinite(found.variance).mean() > 0.3
    found = counts.of(Kind("distances"), np.arange(rings))
    # the plane of an area is not the globe, so a few trips are on the other side of an edge
    away = np.abs(found.values - numbers(Kind("distances"), trips, rings)).sum()
    assert away < 0.05 * len(trips)
    assert np.isinf(counts.of(Kind("flows", FINE), np.arange(9)).variance).all()


@pytest.mark.parametrize("cells_per_degree", [100, 400])
def test_flows_are_counted_where_all_of_them_are_near(cells_per_degree: int) -> None:
    field = random_field(BOX, 4, cells_per_degree)
    trips = sample(field, 600, np.random.default_rng(0))
    counts = Counts(PUBLIC, field.lattice, true_counts(field.lattice, trips))
    flows, true = np.unique(targets_of(PUBLIC, trips)[Kind("flows", COARSE)], return_counts=True)
    found = counts.of(Kind("flows", COARSE), flows)
    counted = np.isfinite(found.variance)
    assert found.values[counted] == pytest.approx(true[counted])
    assert counted.all() if cells_per_degree == 100 else 0 < counted.sum() < len(flows)


def test_both_ends_are_less_those_of_trips_within() -> None:
    field = random_field(BOX, 4)
    trips = sample(field, 600, np.random.default_rng(0))
    counts = Counts(PUBLIC, field.lattice, true_counts(field.lattice, trips))
    found = targets_of(PUBLIC, trips)
    for grid, size in ((FINE, PUBLIC.blocks * CELLS), (COARSE, PUBLIC.blocks)):
        origin, destination = found[Kind("origins", grid)], found[Kind("destinations", grid)]
        both = np.bincount(origin, minlength=size) + np.bincount(destination, minlength=size)
        both -= np.bincount(origin[origin == destination], minlength=size)
        assert counts.ends(grid, np.arange(size)).values == pytest.approx(both)


def test_several_counts_of_one_number_are_weighted_by_their_certainty() -> None:
    lattice = Lattice((BOX,))
    evidence = Evidence(
        {"hours": np.full(24, 10.0), "area_hours": np.full(24, 40.0)},
        {"hours": np.full(24, 1.0), "area_hours": np.full(24, 3.0)},
    )
    found = Counts(PUBLIC, lattice, evidence).of(Kind("hours"), np.arange(24))
    assert found.values == pytest.approx(13.0)
    assert found.variance == pytest.approx(0.9)
    nothing = Counts(PUBLIC, lattice, Evidence({}, {}))
    for kind, size in ((Kind("hours"), 24), (Kind("flows", COARSE), 3), (Kind("origins", FINE), 5)):
        assert np.isinf(nothing.of(kind, np.arange(size)).variance).all()
    assert np.isinf(nothing.ends(FINE, np.arange(5)).variance).all()
