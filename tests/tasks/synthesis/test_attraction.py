"""The attraction of places, against positions computed on the sphere."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from scipy.ndimage import convolve

from tasks.region import Box
from tasks.synthesis import sphere
from tasks.synthesis.attraction import attraction, popularity
from tasks.synthesis.grid import BEARINGS, NULL, SPLIT, Grid

MakeTrips = Callable[[int, int], pa.Table]
CELLS = SPLIT * SPLIT


@pytest.mark.parametrize("levels", [1, 2])
def test_the_map_of_digits_is_that_of_positions(
    boxes: tuple[Box, ...], make_trips: MakeTrips, levels: int
) -> None:
    grid, trips = Grid(boxes, levels), make_trips(500, 1)
    tokens = grid.encode(trips)
    digits = np.zeros((len(boxes), *(CELLS,) * levels), np.float32)
    np.add.at(digits, (tokens[:, 0], *tokens[:, 2 : 2 + levels].T), 1 / len(tokens))
    found = popularity(tf.constant(digits)).numpy()
    side = SPLIT**levels
    for index, box in enumerate(boxes):
        here = trips.filter(pa.array(tokens[:, 0] == index))
        counted, _, _ = np.histogram2d(
            here["origin_latitude"].to_numpy(),
            here["origin_longitude"].to_numpy(),
            side,
            [[box.south, box.north], [box.west, box.east]],
        )
        sums, cells = (
            convolve(values, np.ones((3, 3)), mode="constant")
            for values in (counted, np.ones_like(counted))
        )
        expected = sums / cells / len(tokens) * side**2
        assert found[index] == pytest.approx(expected, rel=1e-4)


def test_what_draws_is_what_lies_in_that_direction(grid: Grid, make_trips: MakeTrips) -> None:
    side = 64
    generator = np.random.default_rng(3)
    popular = generator.gamma(1.0, 1.0, (len(grid.boxes), side, side)).astype(np.float32)
    records = grid.encode(make_trips(60, 2))
    distances = grid.middle_distances_m.astype(np.float32)
    found = attraction(grid, tf.constant(popular), tf.constant(records), distances[None]).numpy()
    assert found.shape == (60, len(distances), BEARINGS)
    south, west, north, east = grid.corners[records[:, 0]].T[:, :, None, None]
    row, column = (
        (records[:, 2:5] // SPLIT, records[:, 2:5] % SPLIT)[axis] @ [64, 8, 1] for axis in (0, 1)
    )
    angle = (np.arange(BEARINGS) + 0.5) * (2 * np.pi / BEARINGS)
    latitude, longitude = sphere.destination(
        south + (row[:, None, None] + 0.5) / 512 * (north - south),
        west + (column[:, None, None] + 0.5) / 512 * (east - west),
        distances[:, None],
        angle,
    )
    to_row = np.floor((latitude - south) / (north - south) * side).astype(int)
    to_column = np.floor((longitude - west) / (east - west) * side).astype(int)
    inside = (np.minimum(to_row, to_column) >= 0) & (np.maximum(to_row, to_column) < side)
    area = np.broadcast_to(records[:, :1, None], inside.shape)[inside]
    expected = np.full(inside.shape, 0.002)
    expected[inside] = 0.9 * popular[area, to_row[inside], to_column[inside]] + 0.1
    # where the plane and the sphere lead to cells on either side of an edge, they differ
    assert np.isclose(found, expected, rtol=1e-4).mean() > 0.98
    assert inside.mean() > 0.5


def test_a_distance_for_each_record_is_that_of_the_whole_table(
    grid: Grid, make_trips: MakeTrips
) -> None:
    popular = tf.constant(np.random.default_rng(4).random((2, 64, 64)), tf.float32)
    records = grid.encode(make_trips(40, 5))
    distances = grid.middle_distances_m.astype(np.float32)
    whole = attraction(grid, popular, tf.constant(records), distances[None]).numpy()
    own = attraction(grid, popular, tf.constant(records), distances[records[:, -2], None]).numpy()
    assert (own[:, 0] == whole[np.arange(40), records[:, -2]]).all()


def test_every_place_draws_something_even_where_nobody_is(grid: Grid) -> None:
    nobody = tf.zeros((2, 64, 64))
    nulls = np.full((3, len(grid.sizes)), NULL, np.int32)
    found = attraction(grid, nobody, tf.constant(nulls), tf.constant([[200.0, 90_000.0]])).numpy()
    assert np.isfinite(np.log(found)).all()
    assert found[:, 1] == pytest.approx(0.002)
