"""The busiest cells of the still maps, for those who read better than they see."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.region import Box
from tasks.release.figures import Figures, size_m


@dataclass(frozen=True)
class Cell:
    """A cell of a map.

    Attributes:
        area: Its service area.
        latitude: Of its middle, degrees.
        longitude: Likewise.
        rows: Rows in it.
    """

    area: str
    latitude: float
    longitude: float
    rows: int


def busiest(figures: Figures, most: int = 10) -> dict[str, list[Cell]]:
    """The cells in which most rows start, and those in which most end, busiest first.

    Args:
        figures: The numbers behind the maps.
        most: How many of each, at most.
    """
    maps = {
        "origins": [(area.box, area.origins) for area in figures.areas],
        "destinations": [(area.box, area.destinations) for area in figures.areas],
    }
    return {
        end: sorted(
            (cell for box, counts in found for cell in _largest(box, counts, figures.cell_m, most)),
            key=lambda cell: -cell.rows,
        )[:most]
        for end, found in maps.items()
    }


def _largest(box: Box, counts: NDArray[np.int64], cell_m: int, most: int) -> list[Cell]:
    width, height = size_m(box)
    order = np.argsort(-counts, axis=None, kind="stable")[:most]
    rows, columns = np.unravel_index(order, counts.shape)
    return [
        Cell(
            box.name,
            box.south + (row + 0.5) * cell_m / height * (box.north - box.south),
            box.west + (column + 0.5) * cell_m / width * (box.east - box.west),
            int(counts[row, column]),
        )
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if counts[row, column]
    ]
