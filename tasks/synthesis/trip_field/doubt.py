"""Places that may be empty: where a fit leaves less than noise alone would."""

from collections.abc import Mapping

import numpy as np

from tasks.synthesis.trip_field.evidence import Evidence
from tasks.synthesis.trip_field.lattice import CELLS, Floats, Lattice

_EMPTY_BLOCK, _EMPTY_CELL = 0.3, 0.06
"""Fewer expected ends than this many standard deviations of their noise count as none."""
LEFT = 0.1
"""What is left of a place that counts as empty: not nothing, for it may yet have been visited."""


def doubtful(lattice: Lattice, evidence: Evidence, expected: Mapping[str, Floats]) -> Floats:
    """Factor of every cell: small where the fit leaves less than noise alone would.

    The most probable field spreads a little over every empty block and cell, for no count can
    tell that none is there; together it would be several per cent of all trips.

    Args:
        lattice: The lattice.
        evidence: The counts, of which `block_ends` and `ends` are looked at where they are known.
        expected: What the fit expects of them.

    Returns:
        Shape (blocks, CELLS).
    """
    noise = evidence.stddev
    factor = np.ones((lattice.blocks, CELLS), np.float32)
    if "block_ends" in noise:
        empty = expected["block_ends"] < _EMPTY_BLOCK * noise["block_ends"]
        factor[empty] = LEFT
    if "ends" in noise:
        empty = expected["ends"].reshape(-1, CELLS) < _EMPTY_CELL * noise["ends"].reshape(-1, CELLS)
        factor[empty] = LEFT
    return factor
