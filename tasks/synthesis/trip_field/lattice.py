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
from tasks.region.polygons import shape_of
from tasks.synthesis.grid import Grid
from tasks.synthesis.trip_field.raster import share_inside

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
    def squares(self) -> Integers:
        """Index of the 2 x 2 square of every cell, shape (blocks, CELLS)."""
        first = self.block_ranges[self.area][:, ::2] + self.position
        cell = np.stack(np.divmod(np.arange(CELLS), SIDE), axis=1)
        square = (first[:, None] * SIDE + cell[None]) // 2
        area = np.broadcast_to(self.area[:, None, None], (*square.shape[:2], 1))
        key = np.concatenate([area, square], axis=2).reshape(-1, 3)
        _, index = np.unique(key, axis=0, return_inverse=True)
        return np.asarray(index.reshape(-1, CELLS))

    @cached_property
    def cover(self) -> Floats:
        """Share of each part that lies inside its area, shape (blocks, CELLS, PARTS)."""
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
        cover = np.asarray(both.reshape(self.blocks, CELLS, PARTS))
        for index, box in enumerate(self.boxes):
            if box.polygons:
                blocks = slice(self.starts[index], self.starts[index + 1])
                cover[blocks] = self._polygon_cover(index, box)
        return cover

    def _polygon_cover(self, index: int, box: Box) -> Floats:
        """Share of each part that lies inside the polygons of an area."""
        per_degree = self.parts_per_degree[index]
        rows, columns = self.shapes[index] * SIDE * SPLIT
        share = share_inside(
            shape_of(box.polygons),
            tuple(self.block_ranges[index, ::2] * SIDE * SPLIT / per_degree),
            tuple(1 / per_degree),
            (int(rows), int(columns)),
        )
        blocks = share.reshape(rows // (SIDE * SPLIT), SIDE, SPLIT, -1, SIDE, SPLIT)
        return np.asarray(blocks.transpose(0, 3, 1, 4, 2, 5).reshape(-1, CELLS, PARTS))

    @cached_property
    def parts_per_degree(self) -> Integers:
        """Parts in a degree of latitude and of longitude, shape (areas, 2)."""
        rows = np.full(len(self.boxes), self.cells_per_degree)
        return np.asarray(np.stack([rows, self.columns_per_degree], axis=1) * SPLIT)

    def part_edges(self, block: Integers, cell: Integers, part: Integers) -> Floats:
        """South, west, north and east of parts, cut at the box, degrees, shape (n, 4)."""
        area = self.area[block]
        corners = np.array([box.edges for box in self.boxes])
        index = self.row_and_column(np.stack([block, cell, part], axis=1))
        edges = np.concatenate([index, index + 1], axis=1) / np.tile(self.parts_per_degree[area], 2)
        edges[:, :2] = np.maximum(edges[:, :2], corners[area, :2])
        edges[:, 2:] = np.minimum(edges[:, 2:], corners[area, 2:])
        return np.asarray(edges)

    def row_and_column(self, parts: Integers) -> Integers:
        """Row and column on the whole map of parts, given as block, cell and part, (n, 2)."""
        block, cell, part = parts.T
        blocks = self.block_ranges[self.area[block], ::2] + self.position[block]
        cells = blocks * SIDE + np.stack(np.divmod(cell, SIDE), axis=1)
        return np.asarray(cells * SPLIT + np.stack(np.divmod(part, SPLIT), axis=1))

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
            *self.place(area, degrees[:, :2]),
            *self.place(area, degrees[:, 2:]),
        )

    def place(self, area: Integers, degrees: Floats) -> tuple[Integers, Integers, Integers]:
        """Block, cell and part of positions inside their areas.

        A position on the edge of a part that lies outside the polygons belongs to the part beside
        it that has most of them.

        Args:
            area: Area of each position, shape (n,).
            degrees: Latitude and longitude, shape (n, 2).
        """
        scaled = np.round(degrees * self.parts_per_degree[area], 5)
        low, high = self.part_ranges[area, ::2], self.part_ranges[area, 1::2]
        parts = np.clip(np.floor(scaled).astype(np.int64), low, high)
        out = np.flatnonzero(self.cover[self._index(area, parts)] == 0)
        around = np.stack(np.divmod(np.arange(9), 3), axis=1) - 1
        beside = np.clip(parts[out, None] + around, low[out, None], high[out, None])
        cover = self.cover[self._index(area[out, None], beside)]
        parts[out] = beside[np.arange(len(out)), cover.argmax(axis=1)]
        return self._index(area, parts)

    def cells_on(self, coarser: "Lattice") -> Integers:
        """The cell of a coarser lattice in which each cell lies, shape (blocks, CELLS).

        Args:
            coarser: A lattice over the same boxes; its cells are counted through all blocks.
        """
        block, cell = np.divmod(np.arange(self.blocks * CELLS), CELLS)
        parts = self.row_and_column(np.stack([block, cell, np.zeros_like(block)], axis=1))
        area = self.area[block]
        parts = parts * coarser.parts_per_degree[area] // self.parts_per_degree[area]
        found, its_cell, _ = coarser._index(area, parts)
        return (found * CELLS + its_cell).reshape(self.blocks, CELLS)

    def _index(self, area: Integers, parts: Integers) -> tuple[Integers, Integers, Integers]:
        """Block, cell and part by row and column of parts, shape (..., 2), on the whole map."""
        cells, part = np.divmod(parts, SPLIT)
        blocks, cell = np.divmod(cells, SIDE)
        blocks = blocks - self.block_ranges[area, ::2]
        return (
            self.starts[area] + blocks[..., 0] * self.shapes[area, 1] + blocks[..., 1],
            cell[..., 0] * SIDE + cell[..., 1],
            part[..., 0] * SPLIT + part[..., 1],
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
