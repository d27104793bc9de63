"""Draws between two parts lie where the density says, also where an edge leaves pieces of them."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from tasks.mobility.areas import holds
from tasks.region import Box
from tasks.synthesis.trip_field import log_density
from tasks.synthesis.trip_field.lattice import ENDS, Floats, Lattice
from tasks.synthesis.trip_field.sampling import _Drawn, _positions
from tasks.synthesis.trip_field.tables import offset_m
from tests.tasks.synthesis.trip_field.conftest import random_field

DRAWS, TRIED = 12_000, 150_000
LENGTHS = (119, 141, 168, 200, 238, 283, 336, 400, 476, 566)
WHOLE = Box(name="s", south=50.0, west=8.0, north=50.02, east=8.03)
SLANT = ((8.0, 50.0), (8.03, 50.0), (8.03, 50.0212), (8.0, 50.0188), (8.0, 50.0))
SLANTED = Box(name="s", south=50.0, west=8.0, north=50.0212, east=8.03, polygons=((SLANT,),))


def strip(cover: float) -> Box:
    """A box whose northernmost parts lie in it to that share."""
    return WHOLE.model_copy(update={"north": 50.02 + cover / 400})


@pytest.mark.parametrize(
    ("box", "row", "columns"),
    [
        (WHOLE, 50.0112, (8.0088, 8.0112)),
        (WHOLE, 50.0112, (8.0063, 8.0112)),
        (strip(0.2), 50.0203, (8.0088, 8.0112)),
        (strip(0.5), 50.0203, (8.0088, 8.0112)),
        (strip(0.5), 50.0203, (8.0063, 8.0112)),
        (SLANTED, 50.0176, (8.0088, 8.0112)),
    ],
    ids=["whole", "whole, apart", "a fifth", "half", "half, apart", "slanted"],
)
def test_lengths_between_two_parts(box: Box, row: float, columns: tuple[float, float]) -> None:
    field = random_field(box, 0)
    lattice, area = field.lattice, np.zeros(1, np.int64)
    first, last = (
        tuple(int(part[0]) for part in lattice.place(area, np.array([[row, column]])))
        for column in columns
    )
    parts = np.zeros_like(field.parts)
    parts[first] = parts[last] = 1
    field = replace(field, parts=parts)
    offset = int(lattice.offset(np.array(first[:1]), np.array(last[:1]))[0])
    cells = first[0], first[1], offset, last[0], last[1]
    drawn = _Drawn(*(np.full(DRAWS, value) for value in cells))
    generator = np.random.default_rng(0)
    ends = _positions(field, drawn, generator) / 1e6

    corner = lattice.row_and_column(np.array([first, last])).reshape(-1)
    tried = (corner + generator.uniform(1e-4, 1 - 1e-4, (TRIED, 4))) / np.tile(
        lattice.parts_per_degree[0], 2
    )
    inside = holds(box, *tried[:, :2].T) & holds(box, *tried[:, 2:].T)
    table = as_trips(box, tried[inside])
    places = lattice.encode(table)
    zeros = np.zeros(len(places.row), np.int64)
    bins = field.displacements.bin_of(*offset_m(lattice, zeros, places.degrees))
    hours = field.hour_shares(places.origin, bins)[np.arange(len(bins)), places.hour]
    expected = shares(lattice, places.degrees, np.exp(log_density(field, table)) / hours)
    assert np.abs(shares(lattice, ends, np.ones(DRAWS)) - expected).sum() / 2 < 0.03


def as_trips(box: Box, degrees: Floats) -> pa.Table:
    return pa.table(
        {
            "area": [box.name] * len(degrees),
            "hour": np.full(len(degrees), 3, np.int8),
            **dict(zip(ENDS, degrees.T, strict=True)),
        }
    )


def shares(lattice: Lattice, degrees: Floats, weights: Floats) -> NDArray[np.float64]:
    """Shares of lengths by bin."""
    north, east = offset_m(lattice, np.zeros(len(degrees), np.int64), degrees)
    bins = np.digitize(np.hypot(north, east), LENGTHS)
    found = np.bincount(bins, weights, len(LENGTHS) + 1)
    return np.asarray(found / found.sum())
