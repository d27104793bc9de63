"""Pairs are made of two fitted densities and public constants, of nothing else."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tasks.synthesis.trip_ends as engine
from tasks.region import Box
from tasks.synthesis.trip_ends import EndsField
from tasks.synthesis.trip_ends.pairing import AreaPairing, pair
from tasks.synthesis.trip_ends.rides import SHIFTS, RidePrior
from tasks.synthesis.trip_ends.tables import Kind
from tasks.synthesis.trip_field.lattice import Floats
from tests.tasks.synthesis.trip_ends.conftest import TOWN, random_field

FAR = Box(name="far", south=50.013, west=8.5, north=50.06, east=8.56)


def joint(paired: AreaPairing) -> Floats:
    """The density of trips without transforms, shape (24, places, SHIFTS, places)."""
    _, rows, columns = paired.start.shape
    row, column = np.divmod(np.arange(rows * columns), columns)
    kernel = paired.kernel[:, row[None] - row[:, None], column[None] - column[:, None]]
    start, end = (values.reshape(24, -1) for values in (paired.start, paired.end))
    later = np.stack([np.roll(end, -shift, axis=0) for shift in range(SHIFTS)], axis=1)
    return np.asarray(np.einsum("ho,sod,hsd->hosd", start, kernel, later))


def paired(field: EndsField, prior: RidePrior | None = None) -> AreaPairing:
    (found,) = pair(field, prior).areas
    assert found is not None
    return found


def by_place(field: EndsField, found: AreaPairing, kind: Kind) -> Floats:
    values = field.by_hour(kind)[:, found.cells[0], found.cells[1]]
    return np.asarray(values.reshape(24, -1))


def test_modelled_trips_have_the_fitted_starts_and_ends(town_field: EndsField) -> None:
    found = paired(town_field)
    density = joint(found)
    assert density.sum() == pytest.approx(1, abs=1e-6)
    starts = density.sum(axis=(2, 3))
    assert starts == pytest.approx(by_place(town_field, found, "start"), abs=1e-8)
    ends = sum(np.roll(density[:, :, s].sum(axis=1), s, axis=0) for s in range(SHIFTS))
    assert np.abs(ends - by_place(town_field, found, "end")).sum() / 2 < 2e-3


def test_their_lengths_follow_the_public_law(town_field: EndsField) -> None:
    for prior in (RidePrior(), RidePrior(mean_m=2000)):
        found = paired(town_field, prior)
        density = joint(found).sum(axis=(0, 2))
        place = np.indices(found.start.shape[1:]).reshape(2, -1)
        height = town_field.lattice.cell_height_m
        sides = np.array([height, height * town_field.lattice.aspect[0]])
        gap = (place[:, None] - place[:, :, None]) * sides[:, None, None]
        # cells are 1.1 km high: their centres tell the mean length to about a fifth
        assert (density * np.hypot(*gap)).sum() == pytest.approx(prior.mean_m, rel=0.2)


def test_nobody_arrives_before_leaving(town_field: EndsField) -> None:
    slow = paired(town_field, RidePrior(mean_s=20 * 60))
    fast = paired(town_field, RidePrior(mean_s=60))
    shares = [joint(found)[:, :, 1].sum() for found in (fast, slow)]
    assert shares[0] < 0.16 < shares[1]  # of the ends, 0.15 are an hour late


def test_an_area_has_as_many_trips_as_it_has_of_what_is_rarer() -> None:
    field = random_field((TOWN, FAR), 1, starts=1000, ends=900)
    areas = field.lattice.area
    emptied = field.end_cells * (areas == 0)[:, None]
    field = replace(field, end_cells=emptied / emptied.sum())
    town, far = pair(field).areas
    assert far is None
    assert town is not None
    assert town.trips == pytest.approx(1000 * field.start_cells[areas == 0].sum())


def test_a_field_of_noise_can_be_paired() -> None:
    """Hours in which more ends than could have started do not stop it."""
    field = random_field((TOWN,), 5)
    hours = np.random.default_rng(0).dirichlet(np.full(24, 0.3), field.lattice.blocks)
    found = paired(replace(field, end_hours=hours))
    for values in (found.start, found.end, found.kernel):
        assert np.isfinite(values).all()
    starts = joint(found).sum(axis=(2, 3))
    assert starts == pytest.approx(by_place(field, found, "start"), abs=1e-6)


def test_nothing_that_pairs_is_given_a_table() -> None:
    """No code matches a start with an end: what pairs takes densities, what draws takes pairs."""
    folder = Path(engine.__file__).parent
    takes_tables = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                arguments = [*node.args.args, *node.args.kwonlyargs]
                kinds = [ast.unparse(a.annotation) for a in arguments if a.annotation]
                if any("Table" in kind for kind in kinds):
                    takes_tables.add((path.name, node.name))
    assert takes_tables == {
        ("tables.py", "events"),
        ("tables.py", "touched"),
        ("density.py", "log_density"),
        ("measurements.py", "measure"),
    }
