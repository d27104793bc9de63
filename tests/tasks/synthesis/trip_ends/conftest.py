import numpy as np
import pyarrow as pa
import pytest

from tasks.region import Box
from tasks.synthesis.trip_ends import EndsField
from tasks.synthesis.trip_ends.sampling import sample
from tasks.synthesis.trip_field.lattice import CELLS, Lattice

TOWN = Box(name="town", south=50.013, west=8.0077, north=50.0831, east=8.07)


def random_field(
    boxes: tuple[Box, ...], seed: int, starts: int = 1000, ends: int = 900
) -> EndsField:
    """Densities drawn at random, zero outside the boxes; starts and ends are alike."""
    lattice = Lattice(boxes)
    generator = np.random.default_rng(seed)
    cover = lattice.cover.mean(axis=2)
    shared = cover * np.exp(generator.normal(0, 1, (lattice.blocks, CELLS)))
    cells = [shared * np.exp(generator.normal(0, 0.2, shared.shape)) for _ in range(2)]
    parts = lattice.cover * np.exp(generator.normal(0, 0.5, lattice.cover.shape))
    peaks = generator.uniform(0, 24, (lattice.blocks, 2, 1)) - np.arange(24)
    hours = np.exp(np.cos(peaks * 2 * np.pi / 24)).sum(axis=1)
    hours /= hours.sum(axis=1, keepdims=True)
    later = 0.85 * hours + 0.15 * np.roll(hours, 1, axis=1)
    return EndsField(
        lattice=lattice,
        starts=starts,
        ends=ends,
        start_cells=cells[0] / cells[0].sum(),
        end_cells=cells[1] / cells[1].sum(),
        start_hours=hours,
        end_hours=later,
        parts=parts / np.maximum(parts.sum(axis=2, keepdims=True), 1e-12),
    )


def drawn(field: EndsField, seed: int) -> pa.Table:
    """Starts and ends of a field as the private table that is measured, in no order."""
    generator = np.random.default_rng(seed)
    tables = []
    for kind in ("start", "end"):
        table = sample(field, kind, generator).replace_schema_metadata(None)
        tables.append(table.append_column("kind", pa.array([kind] * len(table), pa.string())))
    both = pa.concat_tables(tables)
    return both.take(generator.permutation(len(both)))


@pytest.fixture
def town_field() -> EndsField:
    """Densities over a box that cuts cells and parts."""
    return random_field((TOWN,), 0)
