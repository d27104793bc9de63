"""How far and in which direction: displacements in bins, and where they land on a lattice.

A displacement lies in a bin of distance (quarter octaves from 100 m) and of bearing (eight); within
the bin its logarithmic length and its angle are uniform. From a point that is uniform in a cell it
lands in the cell at each offset with a probability that is computed here without randomness: the
bin is cut into displacements, and each is spread exactly over the up to four offsets at which it
can land. Distances are those of the plane that touches the area at its middle latitude.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tasks.synthesis.grid import BINS_PER_OCTAVE
from tasks.synthesis.trip_field.lattice import Floats, Integers

SECTORS = 8
_NODES_PER_CELL = 2.0
_MOST_RADII, _MOST_ANGLES = 48, 96


@dataclass(frozen=True)
class Displacements:
    """Bins of displacements.

    Attributes:
        edges: Edges of the distance bins, metres, shape (distances + 1,).

    Examples:
        >>> bins = Displacements(np.array([100.0, 200.0, 400.0]))
        >>> bins.bins, bins.bin_of(np.array([150.0]), np.array([-1.0])).tolist()
        (16, [7])
    """

    edges: Floats

    @property
    def distances(self) -> int:
        """Number of distance bins."""
        return len(self.edges) - 1

    @property
    def bins(self) -> int:
        """Number of bins; a bin's index is distance x SECTORS + bearing."""
        return self.distances * SECTORS

    @cached_property
    def octave(self) -> Integers:
        """Octave of each distance bin, shape (distances,)."""
        return np.arange(self.distances) // BINS_PER_OCTAVE

    @property
    def octaves(self) -> int:
        """Number of octaves, the last one perhaps incomplete."""
        return int(self.octave[-1]) + 1

    def bin_of(self, north: Floats, east: Floats) -> Integers:
        """The bin of each displacement in metres; the nearest bin for those out of range."""
        distance = np.hypot(north, east)
        ring = np.clip(np.searchsorted(self.edges, distance, "right") - 1, 0, self.distances - 1)
        sector = np.arctan2(east, north) % (2 * np.pi) / (2 * np.pi) * SECTORS
        return np.asarray(ring * SECTORS + np.minimum(sector.astype(np.int64), SECTORS - 1))

    @cached_property
    def density(self) -> Floats:
        """Density per square metre of each bin, at probability and distance 1; shape (bins,)."""
        wide = np.log(self.edges[1:] / self.edges[:-1]) * (2 * np.pi / SECTORS)
        return np.repeat(1 / wide, SECTORS)

    def landing(self, height_m: float, width_m: float, rows: int, columns: int) -> Floats:
        """Where displacements from a uniform point of a cell land.

        Args:
            height_m: Height of the cells.
            width_m: Width of the cells.
            rows: Offsets -rows to rows are told apart.
            columns: Offsets -columns to columns are told apart.

        Returns:
            Probability of each offset given the bin, shape (bins, 2 rows + 1, 2 columns + 1);
            what lands beyond is missing.
        """
        shape = (2 * rows + 1, 2 * columns + 1)
        landed = np.zeros((self.bins, shape[0] * shape[1]), np.float32)
        for first, bins, index, share in self._corners(height_m, width_m, rows, columns):
            flat = np.bincount(
                (bins - first) * landed.shape[1] + index, share, SECTORS * landed.shape[1]
            )
            landed[first : first + SECTORS] += flat.reshape(SECTORS, -1)
        return landed.reshape(self.bins, *shape)

    def landing_of(
        self, weights: Floats, height_m: float, width_m: float, rows: int, columns: int
    ) -> tuple[Floats, Floats]:
        """Like `landing`, for a mixture of bins, without a table of all of them.

        Args:
            weights: Probability of each bin, shape (bins,).
            height_m: Height of the cells.
            width_m: Width of the cells.
            rows: Offsets -rows to rows are told apart.
            columns: Offsets -columns to columns are told apart.

        Returns:
            Probability of each offset, and the largest density per square metre of the
            displacements that land there, shape (2 rows + 1, 2 columns + 1) each.
        """
        shape = (2 * rows + 1, 2 * columns + 1)
        landed, densest = np.zeros(shape[0] * shape[1]), np.zeros(shape[0] * shape[1])
        row, column = np.indices(shape)
        gap_y = np.maximum(np.abs(row - rows) - 1, 0) * height_m
        gap_x = np.maximum(np.abs(column - columns) - 1, 0) * width_m
        nearest = np.hypot(gap_y, gap_x).ravel()
        for _, bins, index, share in self._corners(height_m, width_m, rows, columns):
            landed += np.bincount(index, share * weights[bins], len(landed))
            least = np.maximum(self.edges[bins // SECTORS], nearest[index])
            np.maximum.at(densest, index, weights[bins] * self.density[bins] / least**2)
        return landed.reshape(shape), densest.reshape(shape)

    def _corners(
        self, height_m: float, width_m: float, rows: int, columns: int
    ) -> Iterator[tuple[int, Integers, Integers, Floats]]:
        """For each ring its first bin; bins, flat offsets, and shares that land there."""
        cell = min(height_m, width_m) / _NODES_PER_CELL
        for ring in range(self.distances):
            near, far = self.edges[ring], self.edges[ring + 1]
            if near > np.hypot((rows + 1) * height_m, (columns + 1) * width_m):
                return
            radii = int(np.clip(np.ceil((far - near) / cell), 6, _MOST_RADII))
            angles = int(np.clip(np.ceil(far * 2 * np.pi / SECTORS / cell), 8, _MOST_ANGLES))
            radius = near * (far / near) ** ((np.arange(radii) + 0.5) / radii)
            angle = (np.arange(SECTORS * angles) + 0.5) / angles * (2 * np.pi / SECTORS)
            y = np.outer(np.cos(angle), radius).ravel() / height_m
            x = np.outer(np.sin(angle), radius).ravel() / width_m
            bins = ring * SECTORS + np.repeat(np.arange(SECTORS), angles * radii)
            low_y, low_x = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
            for up in (0, 1):
                for right in (0, 1):
                    share = np.abs(1 - up - (y - low_y)) * np.abs(1 - right - (x - low_x))
                    to_y, to_x = low_y + up + rows, low_x + right + columns
                    inside = (to_y >= 0) & (to_y <= 2 * rows) & (to_x >= 0) & (to_x <= 2 * columns)
                    inside &= share > 0
                    if inside.any():
                        yield (
                            ring * SECTORS,
                            bins[inside],
                            (to_y * (2 * columns + 1) + to_x)[inside],
                            share[inside] / (radii * angles),
                        )
