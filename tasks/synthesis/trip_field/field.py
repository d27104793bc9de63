"""A fitted field: the factors of the density, and what follows from them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tasks.synthesis.stored import Stored
from tasks.synthesis.trip_field.geometry import (
    CELL_OFFSET,
    CELL_OFFSETS,
    CELL_REACH,
    Zone,
    zones,
)
from tasks.synthesis.trip_field.kernel import SECTORS, Displacements
from tasks.synthesis.trip_field.lattice import (
    CELLS,
    FAR,
    NEAR,
    PARTS,
    SIDE,
    SPLIT,
    Floats,
    Integers,
    Lattice,
)
from tasks.synthesis.trip_field.tables import displacements

FIELD = Stored("field", "a field", "fit the measurements again")
PART_REACH = SPLIT * (CELL_REACH + 1) - 1
"""Parts of near cells are at most this many rows and columns apart."""
_FACTORS = ("origin", "attraction", "pair", "bins", "local", "hours", "tilt", "parts")


@dataclass(frozen=True)
class ZoneKernel:
    """The fitted kernel in a service area.

    Attributes:
        zone: The zone.
        near: Probability of landing at each offset of cells, shape (NEAR, CELLS, CELLS).
        far: The same between far blocks, per cell landed in, laid out as the zone's map.
        parts: The same for pairs of parts, by flat offset of cells, (offsets, PARTS, PARTS).
        densest: Largest density per square metre of displacements between parts, likewise.
        touching: For pairs of parts that touch an index into `near_bins`, else -1, likewise.
        near_bins: Weight of each bin for parts that touch, shape (9, bins).
    """

    zone: Zone
    near: Floats
    far: Floats
    parts: Floats
    densest: Floats
    touching: Integers
    near_bins: Floats


@dataclass(frozen=True)
class Field:
    """A density of hour, origin and destination.

    Attributes:
        lattice: The public lattice.
        rows: Number of trips it stands for.
        origin: Factor of the origin's cell, shape (blocks, CELLS).
        attraction: Factor of the destination's cell, shape (blocks, CELLS).
        pair: Factor of the offset between blocks, shape (FAR + 1, blocks).
        bins: Probability of each bin of displacements in each area, shape (areas, bins).
        local: The same between the parts of two cells, where the parts' crowding is allowed for.
        hours: Probability of each hour by the origin's block, shape (blocks, 24).
        tilt: Factor of each hour by area and octave of the distance, shape (areas, octaves, 24).
        parts: Shares of the parts of each cell, shape (blocks, CELLS, PARTS).
    """

    lattice: Lattice
    rows: int
    origin: Floats
    attraction: Floats
    pair: Floats
    bins: Floats
    local: Floats
    hours: Floats
    tilt: Floats
    parts: Floats

    @property
    def displacements(self) -> Displacements:
        """The bins of displacements."""
        return displacements(self.lattice)

    @cached_property
    def kernels(self) -> list[ZoneKernel]:
        """The fitted kernel of every service area."""
        height = self.lattice.cell_height_m
        table = _part_tables()
        row, column = np.stack(np.divmod(table, 2 * PART_REACH + 1)) - PART_REACH
        touching = np.where(
            (np.abs(row) <= 1) & (np.abs(column) <= 1), 3 * (row + 1) + column + 1, -1
        ).reshape(-1, PARTS, PARTS)
        made = []
        for zone, weights, local in zip(zones(self.lattice), self.bins, self.local, strict=True):
            width = height * zone.aspect
            near, _ = self.displacements.landing_of(weights, height, width, CELL_REACH, CELL_REACH)
            rows, columns = zone.shape[0] - 1, zone.shape[1] - 1
            far, _ = self.displacements.landing_of(
                weights, height * SIDE, width * SIDE, rows, columns
            )
            parts, densest = self.displacements.landing_of(
                local, height / SPLIT, width / SPLIT, PART_REACH, PART_REACH
            )
            near_bins = self.displacements.landing(height / SPLIT, width / SPLIT, 1, 1)
            made.append(
                ZoneKernel(
                    zone,
                    near.ravel()[CELL_OFFSET],
                    zone.wrapped(far / CELLS),
                    parts.ravel()[table].astype(np.float32).reshape(-1, PARTS, PARTS),
                    densest.ravel()[table].reshape(-1, PARTS, PARTS),
                    touching,
                    near_bins.reshape(-1, 9).T * local,
                )
            )
        return made

    def hour_shares(self, origin: Integers, bins: Integers) -> Floats:
        """Probability of each hour given the origin's block and the bin of the displacement."""
        octave = self.displacements.octave[bins // SECTORS]
        shares = self.hours[origin] * self.tilt[self.lattice.area[origin], octave]
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    @cached_property
    def flows(self) -> Floats:
        """Share of the trips by origin's block and cell and by offset, (blocks, CELLS, FAR + 1)."""
        return np.asarray(self._flows / self.total)

    @cached_property
    def total(self) -> float:
        """Sum of all products of factors."""
        return float(self._flows.sum())

    @cached_property
    def _flows(self) -> Floats:
        flows = np.zeros((self.lattice.blocks, CELLS, FAR + 1))
        padded = np.concatenate([self.attraction, np.zeros((1, CELLS))]).astype(np.float64)
        for kernel in self.kernels:
            blocks = kernel.zone.blocks
            attraction = padded[self.lattice.neighbours[:, blocks]]
            near = attraction @ kernel.near.transpose(0, 2, 1)  # (NEAR, n, CELLS)
            flows[blocks, :, :NEAR] = near.transpose(1, 2, 0)
            flows[blocks, :, FAR] = self._reached(kernel)[:, None]
        return np.asarray(flows * self.origin[:, :, None] * self.pair.T[:, None, :])

    def _reached(self, kernel: ZoneKernel) -> Floats:
        """Attraction of all far blocks, as each block of an area sees it."""
        total = np.zeros(kernel.zone.map.shape)
        rows, columns = kernel.zone.shape
        seen = self.attraction[kernel.zone.blocks].sum(axis=1, dtype=np.float64)
        total[:rows, :columns] = seen.reshape(rows, columns)
        waves = np.conj(np.fft.rfft2(kernel.far)) * np.fft.rfft2(total)
        reached = np.fft.irfft2(waves, total.shape)[:rows, :columns].ravel()
        # what is less than the transform's own rounding is nothing
        return np.asarray(np.where(reached > 1e-12 * seen.sum(), reached, 0))


def _part_tables() -> Integers:
    """Flat offset of every pair of parts of cells at each offset, (CELL_OFFSETS^2, 256)."""
    part = np.stack(np.divmod(np.arange(PARTS), SPLIT))
    gap = (part[:, None, :] - part[:, :, None]).reshape(2, 1, -1)
    cell = np.stack(np.divmod(np.arange(CELL_OFFSETS**2), CELL_OFFSETS)) - CELL_REACH
    row, column = cell[:, :, None] * SPLIT + gap + PART_REACH
    return np.asarray(row * (2 * PART_REACH + 1) + column)


def save_field(directory: Path, field: Field) -> list[str]:
    """Write the field; returns the names of the files."""
    factors = {name: getattr(field, name) for name in _FACTORS}
    return FIELD.save(directory, factors, {"lattice": field.lattice.describe(), "rows": field.rows})


def load_field(directory: Path) -> Field:
    """Read a stored field.

    Raises:
        ModelFileError: If it is missing or not readable.
    """
    with FIELD.reading(directory) as (document, factors):
        lattice = Lattice.described(document["lattice"])
        if factors["origin"].shape != (lattice.blocks, CELLS):
            raise ValueError("the field does not fit its lattice")
        return Field(lattice, document["rows"], **factors)
