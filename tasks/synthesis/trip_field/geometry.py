"""Constants of a lattice for the fit: where displacements land, area by area."""

from dataclasses import dataclass

import numpy as np

from tasks.synthesis.trip_field.kernel import Displacements
from tasks.synthesis.trip_field.lattice import (
    CELLS,
    NEAR,
    REACH,
    SIDE,
    Floats,
    Integers,
    Lattice,
)

CELL_REACH = SIDE * (REACH + 1) - 1
"""Cells of near blocks are at most this many rows and columns apart."""
CELL_OFFSETS = 2 * CELL_REACH + 1


def _cell_offsets() -> Integers:
    """Flat offset of cell j of the block at near offset m from cell i, shape (NEAR, 25, 25)."""
    block_row, block_column = np.divmod(np.arange(NEAR), 2 * REACH + 1) - np.full((2, 1), REACH)
    row, column = np.divmod(np.arange(CELLS), SIDE)
    rows = SIDE * block_row[:, None, None] + row[None, None, :] - row[None, :, None]
    columns = SIDE * block_column[:, None, None] + column[None, None, :] - column[None, :, None]
    return np.asarray((rows + CELL_REACH) * CELL_OFFSETS + columns + CELL_REACH)


CELL_OFFSET = _cell_offsets()


@dataclass(frozen=True)
class Zone:
    """One service area as the fit sees it.

    Attributes:
        aspect: Width of a cell over its height.
        blocks: Its blocks, shape (n,).
        map: Blocks by row and column, `lattice.blocks` where there is none; both sides are long
            enough for no offset to wrap around.
        shape: Rows and columns of blocks.
    """

    aspect: float
    blocks: Integers
    map: Integers
    shape: tuple[int, int]

    def near(self, lattice: Lattice, bins: Displacements) -> Floats:
        """Where displacements land, cell by cell, shape (bins, CELL_OFFSETS^2)."""
        height = lattice.cell_height_m
        landed = bins.landing(height, height * self.aspect, CELL_REACH, CELL_REACH)
        return landed.reshape(bins.bins, -1)

    def far(self, lattice: Lattice, bins: Displacements) -> Floats:
        """The same for blocks beyond the near ones, per cell of the block it lands in.

        Returns:
            Shape (bins, rows, columns), offsets modulo rows and columns of the map.
        """
        height = lattice.cell_height_m * SIDE
        rows, columns = self.shape[0] - 1, self.shape[1] - 1
        landed = bins.landing(height, height * self.aspect, rows, columns) / CELLS
        return np.stack([self.wrapped(part) for part in landed])

    def wrapped(self, offsets: Floats) -> Floats:
        """Block offsets -n to n laid out modulo the map's sides, near ones set to zero."""
        rows, columns = self.shape[0] - 1, self.shape[1] - 1
        row, column = np.arange(-rows, rows + 1), np.arange(-columns, columns + 1)
        near = (np.abs(row) <= REACH)[:, None] & (np.abs(column) <= REACH)[None, :]
        laid = np.zeros(self.map.shape, np.float32)
        laid[np.ix_(row % laid.shape[0], column % laid.shape[1])] = np.where(near, 0, offsets)
        return laid


def zones(lattice: Lattice) -> list[Zone]:
    """The zones of a lattice, one for each service area."""
    made = []
    for area, (rows, columns) in enumerate(lattice.shapes.tolist()):
        blocks = np.arange(lattice.starts[area], lattice.starts[area + 1])
        sides = _fast_length(2 * rows - 1), _fast_length(2 * columns - 1)
        map_ = np.full(sides, lattice.blocks)
        map_[:rows, :columns] = blocks.reshape(rows, columns)
        made.append(Zone(float(lattice.aspect[area]), blocks, map_, (rows, columns)))
    return made


def _fast_length(least: int) -> int:
    """The next length whose Fourier transform is fast: a product of 2, 3 and 5."""
    length = max(least, 2)
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1 and length % 2 == 0:
            return length
        length += 1
