import numpy as np
import pytest

from tasks.region import Box
from tasks.synthesis.trip_field import Field
from tasks.synthesis.trip_field.lattice import CELLS, COARSEST, FAR, Lattice
from tasks.synthesis.trip_field.tables import displacements


def random_field(box: Box, seed: int, cells_per_degree: int = COARSEST) -> Field:
    """A field whose factors are drawn at random, zero outside the box."""
    lattice = Lattice((box,), cells_per_degree)
    generator = np.random.default_rng(seed)
    bins = displacements(lattice)
    weights = np.exp(generator.normal(-0.3 * np.repeat(np.arange(bins.distances), 8), 0.3))
    cover = lattice.cover.mean(axis=2)
    parts = lattice.cover * np.exp(generator.normal(0, 0.5, lattice.cover.shape))
    hours = generator.dirichlet(np.ones(24), lattice.blocks)
    return Field(
        lattice=lattice,
        rows=1000,
        origin=cover * np.exp(generator.normal(0, 1, (lattice.blocks, CELLS))),
        attraction=cover * np.exp(generator.normal(0, 1, (lattice.blocks, CELLS))),
        pair=np.exp(generator.normal(0, 0.3, (FAR + 1, lattice.blocks))),
        bins=(weights / weights.sum())[None],
        local=(weights / weights.sum())[None],
        hours=hours,
        tilt=np.exp(generator.normal(0, 0.3, (1, bins.octaves, 24))),
        parts=parts / np.maximum(parts.sum(axis=2, keepdims=True), 1e-12),
    )


@pytest.fixture
def town_field() -> Field:
    """A field over a box that cuts cells and parts."""
    return random_field(Box(name="town", south=50.013, west=8.0077, north=50.0831, east=8.07), 0)


@pytest.fixture
def wide_field() -> Field:
    """A field over a box wide enough for far pairs of blocks, across the equator."""
    return random_field(Box(name="wide", south=-0.1, west=8.0, north=0.3, east=8.4), 1)
