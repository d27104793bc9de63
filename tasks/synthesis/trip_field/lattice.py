"""The public lattice under the field: blocks of 5 x 5 cells of 4 x 4 parts each.

Rows and columns are aligned to whole degrees, so that every box of a region, and every region,
cuts the map at the same lines. A cell is 0.01 degrees high, or 0.01 / 2, 0.01 / 4, ... where the
day is large enough for it (`budget`), and as many degrees wide, doubled for every halving of
the degree of longitude towards the poles. Nothing here is learnt from trips.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.mobility.distance import EARTH_RADIUS_M
from tasks.region.model import Box
from tasks.synthesis.grid import Grid

SIDE = 5
"""A block is SIDE x SIDE cells."""
CELLS = SIDE * SIDE
SPLIT = 4
"""A cell is SPLIT x SPLIT parts."""
PARTS = SPLIT * SPLIT
REACH = 4
"""Pairs of blocks up to REACH rows and columns apart are near; their cells are told apart."""
NEAR = (2 * REACH + 1) ** 2
FAR = NEAR
"""Stands, after the near offsets 0 to NEAR - 1, for all blocks beyond them."""
METRES_PER_DEGREE = EARTH_RADIUS_M * math.pi / 180
COARSEST = 100
"""Cells in a degree of latitude for days of ordinary size."""

ENDS = ("origin_latitude", "origin_longitude", "destination_latitude", "destination_longitude")

_ASPECTS_PER_OCTAVE = 32

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Places:
    """Where and when trips begin and end, one array of shape (n,) per field.

    Attributes:
        row: Index of the trip in the table it is from.
        hour: 0 to 23.
        degrees: Latitude and longitude of origin and destination, shape (n, 4).
        origin: Index of the origin's block.
        origin_cell: Its cell in the block, 0 to 24, row by row from the south-west.
        origin_part: Its part of the cell, 0 to 15, likewise.
        destination: Index of the destination's block.
        destination_cell: Likewise.
        destination_part: Likewise.
    """

    row: Integers
    hour: Integers
    degrees: Floats
    origin: Integers
    origin_cell: Integers
    origin_part: Integers
    destination: Integers
    destination_cell: Integers
    destination_part: Integers


@dataclass(frozen=True)
class Lattice:
    """The lattice over a service area.

    Attributes:
        boxes: The service area; a trip lies in one of them.
        cells_per_degree: Cells in a degree of latitude.

    Examples:
        >>> box = Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9)
        >>> lattice = Lattice((box,))
        >>> lattice.blocks, int((lattice.cover > 0).any(2).sum())
        (24, 600)
    """

    boxes: tuple[Box, ...]
    cells_per_degree: int = COARSEST

    def describe(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return {
            "boxes": [box.model_dump(mode="json") for box in self.boxes],
            "cells_per_degree": self.cells_per_degree,
        }

    @classmethod
    def described(cls, document: Mapping[str, Any]) -> "Lattice":
        """The lattice that `describe` described."""
        boxes = tuple(Box.model_validate(box) for box in document["boxes"])
        return cls(boxes, document["cells_per_degree"])

    @cached_property
    def grid(self) -> Grid:
        """The grid whose rule says which rows are trips, and whose distances are ours."""
        return Grid(self.boxes, 1)

    @cached_property
    def columns_per_degree(self) -> Integers:
        """Cells in a degree of longitude, shape (areas,)."""
        cosine = [math.cos(math.radians((box.south + box.north) / 2)) for box in self.boxes]
        doublings = np.floor(-np.log2(cosine)).astype(np.int64)
        doublings = np.minimum(doublings, _halvings(self.cells_per_degree))
        return np.asarray(self.cells_per_degree // (1 << doublings))

    @cached_property
    def aspect(self) -> Floats:
        """Width of a cell over its height, both in metres, shape (areas,), to about 1 %."""
        cosine = np.cos(np.radians([(box.south + box.north) / 2 for box in self.boxes]))
        exact = np.log2(cosine * self.cells_per_degree / self.columns_per_degree)
        return np.asarray(2 ** (np.round(exact * _ASPECTS_PER_OCTAVE) / _ASPECTS_PER_OCTAVE))

    @property
    def cell_height_m(self) -> float:
        """Height of a cell, metres."""
        return METRES_PER_DEGREE / self.cells_per_degree

    @cached_property
    def part_ranges(self) -> Integers:
        """First and last row, first and last column of parts of each area, shape (areas, 4)."""
        ranges = []
        for box, columns in zip(self.boxes, self.columns_per_degree, strict=True):
            rows = self.cells_per_degree
            ranges.append(
                (
                    *_part_range(box.south, box.north, rows),
                    *_part_range(box.west, box.east, int(columns)),
                )
            )
        return np.array(ranges)

    @cached_property
    def block_ranges(self) -> Integers:
        """First and last row, first and last column of blocks, shape (areas, 4)."""
        return self.part_ranges // (SPLIT * SIDE)

    @cached_property
    def shapes(self) -> Integers:
        """Rows and columns of blocks of each area, shape (areas, 2)."""
        return np.asarray(self.block_ranges[:, 1::2] - self.block_ranges[:, ::2] + 1)

    @cached_property
    def starts(self) -> Integers:
        """Index of the first block of each area, and the number of all, shape (areas + 1,)."""
        return np.concatenate([[0], np.cumsum(self.shapes.prod(axis=1))])

    @property
    def blocks(self) -> int:
        """Number of blocks of all areas."""
        return int(self.starts[-1])

    @cached_property
    def area(self) -> Integers:
        """Area of each block, shape (blocks,)."""
        return np.repeat(np.arange(len(self.boxes)), self.shapes.prod(axis=1))

    @cached_property
    def position(self) -> Integers:
        """Row and column of each block within its area, shape (blocks, 2)."""
        index = np.arange(self.blocks) - self.starts[self.area]
        return np.stack(np.divmod(index, self.shapes[self.area, 1]), axis=1)

    @cached_property
    def neighbours(self) -> Integers:
        """Block at each near offset, or `blocks` where there is none, shape (NEAR, blocks)."""
        row, column = np.divmod(np.arange(NEAR), 2 * REACH + 1) - np.array([[REACH], [REACH]])
        to = self.position[None] + np.stack([row, column], axis=1)[:, None]
        return np.where(
            ((to >= 0) & (to < self.shapes[self.area])).all(axis=2),
            self.starts[self.area] + to[..., 0] * self.shapes[self.area, 1] + to[..., 1],
            self.blocks,
        )

    @cached_property
    def cover(self) -> Floats:
        """Share of each part that lies inside the box, shape (blocks, CELLS, PARTS)."""
        side = SIDE * SPLIT
        sides = []
        for axis, (low, high) in enumerate((("south", "north"), ("west", "east"))):
            per_degree = self.parts_per_degree[:, axis][self.area]
            first = (self.block_ranges[self.area, 2 * axis] + self.position[:, axis]) * side
            edge = first[:, None] + np.arange(side)
            bounds = [np.array([getattr(box, name) for box in self.boxes]) for name in (low, high)]
            least, most = (bound[self.area, None] * per_degree[:, None] for bound in bounds)
            share = np.minimum(edge + 1, most) - np.maximum(edge, least)
            sides.append(np.where(share > 1e-6, np.minimum(share, 1), 0).reshape(-1, SIDE, SPLIT))
        both = sides[0][:, :, None, :, None] * sides[1][:, None, :, None, :]
        return np.asarray(both.reshape(self.blocks, CELLS, PARTS))

    @cached_property
    def parts_per_degree(self) -> Integers:
        """Parts in a degree of latitude and of longitude, shape (areas, 2)."""
        rows = np.full(len(self.boxes), self.cells_per_degree)
        return np.asarray(np.stack([rows, self.columns_per_degree], axis=1) * SPLIT)

    def part_edges(self, block: Integers, cell: Integers, part: Integers) -> Floats:
        """South, west, north and east of parts, cut at the box, degrees, shape (n, 4)."""
        area = self.area[block]
        corners = np.array([(box.south, box.west, box.north, box.east) for box in self.boxes])
        edges = np.empty((len(block), 4))
        for axis, (cells, parts) in enumerate(
            (
                (cell // SIDE, part // SPLIT),
                (cell % SIDE, part % SPLIT),
            )
        ):
            first = self.block_ranges[area, 2 * axis] + self.position[block, axis]
            index = (first * SIDE + cells) * SPLIT + parts
            edges[:, axis] = index / self.parts_per_degree[area, axis]
            edges[:, axis + 2] = (index + 1) / self.parts_per_degree[area, axis]
        edges[:, :2] = np.maximum(edges[:, :2], corners[area, :2])
        edges[:, 2:] = np.minimum(edges[:, 2:], corners[area, 2:])
        return edges

    def encode(self, trips: pa.Table) -> Places:
        """Where and when the trips of a table begin and end; other rows are left out.

        Which rows are trips is the fixed rule of `tasks.synthesis.grid.Grid.encode`.

        Args:
            trips: Columns area, hour and the four coordinates as in `tasks.schema.TRIPS`.
        """
        tokens = self.grid.encode(trips)
        row = np.flatnonzero(tokens[:, 0] >= 0)
        area = tokens[row, 0].astype(np.int64)
        degrees = np.stack([np.asarray(trips[name].to_numpy(), float)[row] for name in ENDS], 1)
        return Places(
            row,
            tokens[row, 1].astype(np.int64),
            degrees,
            *self._place(area, degrees[:, :2]),
            *self._place(area, degrees[:, 2:]),
        )

    def _place(self, area: Integers, degrees: Floats) -> tuple[Integers, Integers, Integers]:
        """Block, cell and part of positions inside their boxes."""
        scaled = np.round(degrees * self.parts_per_degree[area], 5)
        low, high = self.part_ranges[area, ::2], self.part_ranges[area, 1::2]
        parts = np.clip(np.floor(scaled).astype(np.int64), low, high)
        cells, part = np.divmod(parts, SPLIT)
        blocks, cell = np.divmod(cells, SIDE)
        blocks -= self.block_ranges[area, ::2]
        return (
            self.starts[area] + blocks[:, 0] * self.shapes[area, 1] + blocks[:, 1],
            cell[:, 0] * SIDE + cell[:, 1],
            part[:, 0] * SPLIT + part[:, 1],
        )

    def offset(self, origin: Integers, destination: Integers) -> Integers:
        """The near offset from block to block, FAR where there is none."""
        gap = self.position[destination] - self.position[origin]
        near = (np.abs(gap) <= REACH).all(axis=1)
        return np.where(near, (gap[:, 0] + REACH) * (2 * REACH + 1) + gap[:, 1] + REACH, FAR)


def _halvings(number: int) -> int:
    """How often a number can be halved without a rest."""
    return (number & -number).bit_length() - 1


def _part_range(low: float, high: float, cells_per_degree: int) -> tuple[int, int]:
    """First and last of the parts that lie between two edges."""
    parts = cells_per_degree * SPLIT
    return math.floor(round(low * parts, 5)), math.ceil(round(high * parts, 5)) - 1
