"""The fitted densities of starts and of ends."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.synthesis.trip_ends.tables import Kind
from tasks.synthesis.trip_field.field import FIELD
from tasks.synthesis.trip_field.lattice import CELLS, Floats, Lattice

_FACTORS = ("start_cells", "end_cells", "start_hours", "end_hours", "parts")


@dataclass(frozen=True)
class EndsField:
    """A density of place and hour for starts, and one for ends.

    Attributes:
        lattice: The public lattice.
        starts: Number of starts that it stands for.
        ends: Number of ends.
        start_cells: Probability of each cell for a start, shape (blocks, CELLS).
        end_cells: For an end.
        start_hours: Probability of each hour by block for a start, shape (blocks, 24).
        end_hours: For an end.
        parts: Shares of the parts of each cell, for both, shape (blocks, CELLS, PARTS).
    """

    lattice: Lattice
    starts: int
    ends: int
    start_cells: Floats
    end_cells: Floats
    start_hours: Floats
    end_hours: Floats
    parts: Floats

    def number(self, kind: Kind) -> int:
        """How many there are of a kind."""
        return self.starts if kind == "start" else self.ends

    def cells(self, kind: Kind) -> Floats:
        """Probability of each cell, shape (blocks, CELLS)."""
        return self.start_cells if kind == "start" else self.end_cells

    def hours(self, kind: Kind) -> Floats:
        """Probability of each hour by block, shape (blocks, 24)."""
        return self.start_hours if kind == "start" else self.end_hours

    def by_hour(self, kind: Kind) -> Floats:
        """Probability of each cell and hour, shape (24, blocks, CELLS)."""
        return np.asarray(self.hours(kind).T[:, :, None] * self.cells(kind)[None], np.float64)


def save_field(directory: Path, field: EndsField) -> list[str]:
    """Write the field; returns the names of the files."""
    factors = {name: getattr(field, name) for name in _FACTORS}
    document = {"lattice": field.lattice.describe(), "starts": field.starts, "ends": field.ends}
    return FIELD.save(directory, factors, document)


def load_field(directory: Path) -> EndsField:
    """Read a stored field.

    Raises:
        ModelFileError: If it is missing or not readable.
    """
    with FIELD.reading(directory) as (document, factors):
        lattice = Lattice.described(document["lattice"])
        if factors["start_cells"].shape != (lattice.blocks, CELLS):
            raise ValueError("the field does not fit its lattice")
        return EndsField(lattice, document["starts"], document["ends"], **factors)
