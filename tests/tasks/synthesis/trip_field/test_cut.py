from itertools import pairwise

import numpy as np
import pytest

from tasks.region import Box
from tasks.synthesis.trip_field.cut import crowding
from tasks.synthesis.trip_field.lattice import Floats, Integers
from tasks.synthesis.trip_field.tables import offset_m
from tests.tasks.synthesis.trip_field.conftest import random_field

EDGES = {"south": 49.98, "west": 7.98, "north": 50.1, "east": 8.1}
SLANTED = [[8.0, 50.0], [8.08, 50.02], [8.06, 50.08], [8.01, 50.07], [8.0, 50.0]]
AREA = Box.model_validate({"name": "a", **EDGES, "polygons": [[SLANTED]]})


def parts_at(degrees: Floats) -> tuple[Integers, Integers]:
    """Block, cell and part of both ends of pairs, shape (n, 3) each."""
    lattice = random_field(AREA, 0).lattice
    area = np.zeros(len(degrees), np.int64)
    origin, destination = (
        np.stack(lattice.place(area, degrees[:, ends]), axis=1) for ends in ([0, 1], [2, 3])
    )
    return origin, destination


def test_whole_parts_and_parts_far_apart_are_as_dense_as_the_kernel_says() -> None:
    pairs = np.array([[50.04, 8.04, 50.043, 8.041], [50.0051, 8.0101, 50.07, 8.06]])
    field = random_field(AREA, 0)
    assert crowding(field, *parts_at(pairs), np.ones(2)).tolist() == [1, 1]
    assert crowding(field, *parts_at(np.zeros((0, 4))), np.ones(0)).shape == (0,)


def test_pieces_are_as_dense_as_positions_in_them_say() -> None:
    field, generator = random_field(AREA, 0), np.random.default_rng(0)
    pairs = np.array([[50.0055, 8.021, 50.0065, 8.0245], [50.031, 8.0048, 50.0285, 8.0046]])
    found = crowding(field, *parts_at(pairs), np.full(2, 1e-7))
    for factor, origin, destination in zip(found, *parts_at(pairs), strict=True):
        cover = field.lattice.cover
        assert min(cover[tuple(origin)], cover[tuple(destination)]) < 1
        low = field.lattice.row_and_column(np.stack([origin, destination])).reshape(-1)
        per_degree = np.tile(field.lattice.parts_per_degree[0], 2)
        degrees = (low + generator.random((400_000, 4))) / per_degree
        north, east = offset_m(field.lattice, np.zeros(len(degrees), np.int64), degrees)
        bins, squared = field.displacements.bin_of(north, east), north**2 + east**2
        density = np.where(squared >= 1e4, field.local[0, bins] / np.maximum(squared, 1), 0)
        density *= field.displacements.density[bins]
        inside = in_polygon(degrees[:, :2]) & in_polygon(degrees[:, 2:])
        assert factor == pytest.approx(density[inside].mean() / 1e-7, rel=0.06)


def in_polygon(places: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Left of every edge of the convex outline, which is not how the code decides it."""
    inside = np.ones(len(places), bool)
    for (x, y), (to_x, to_y) in pairwise(SLANTED):
        inside &= (to_x - x) * (places[:, 0] - y) >= (to_y - y) * (places[:, 1] - x)
    return inside
