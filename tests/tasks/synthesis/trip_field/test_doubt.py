import numpy as np

from tasks.region import Box
from tasks.synthesis.trip_field.doubt import LEFT, doubtful
from tasks.synthesis.trip_field.evidence import Evidence
from tasks.synthesis.trip_field.lattice import CELLS, Floats, Lattice

LATTICE = Lattice((Box(name="town", south=50.0, west=8.0, north=50.05, east=8.1),))
NOISE = 10.0


def seen(*names: str) -> Evidence:
    sizes = {"block_ends": LATTICE.blocks, "ends": LATTICE.blocks * CELLS}
    return Evidence.measured({name: (np.zeros(sizes[name]), NOISE) for name in names})


def expected(block: float, cell: float) -> dict[str, Floats]:
    """A block that expects so many ends, and a cell of the other; all else expects many."""
    blocks, cells = np.full(LATTICE.blocks, 100.0), np.full((LATTICE.blocks, CELLS), 100.0)
    blocks[0], cells[1, 3] = block, cell
    return {"block_ends": blocks, "ends": cells.ravel()}


def test_little_is_left_of_what_may_be_noise_alone() -> None:
    factor = doubtful(LATTICE, seen("block_ends", "ends"), expected(2.9, 0.5))
    assert factor.shape == (LATTICE.blocks, CELLS)
    assert (factor[0] == np.float32(LEFT)).all()
    assert factor[1, 3] == np.float32(LEFT)
    assert (factor == 1).sum() == (LATTICE.blocks - 1) * CELLS - 1


def test_what_noise_alone_would_not_be_is_kept() -> None:
    assert (doubtful(LATTICE, seen("block_ends", "ends"), expected(3.1, 0.7)) == 1).all()


def test_counts_that_were_not_taken_raise_no_doubt() -> None:
    few = expected(0.1, 0.1)
    assert (doubtful(LATTICE, seen(), few) == 1).all()
    assert (doubtful(LATTICE, seen("ends"), few)[0] == 1).all()
