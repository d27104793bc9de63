from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mobility.distance import haversine
from tasks.region import Box
from tasks.schema import MODELLED_TRIPS
from tasks.synthesis.trip_ends import EndsField
from tasks.synthesis.trip_ends.pairing import pair
from tasks.synthesis.trip_ends.rides import RidePrior
from tasks.synthesis.trip_ends.trips import modelled_trips
from tasks.synthesis.trip_field.lattice import ENDS
from tests.tasks.synthesis.boxes import any_box
from tests.tasks.synthesis.trip_ends.conftest import TOWN, random_field


def assert_valid(field: EndsField, seed: int, least: int) -> None:
    table = modelled_trips(pair(field), np.random.default_rng(seed))
    assert table.schema == MODELLED_TRIPS.arrow()
    assert least <= table.num_rows <= min(field.starts, field.ends) + 1
    (box,) = field.lattice.boxes
    assert set(table["area"].to_pylist()) <= {box.name}
    ends = np.stack([table[name].to_numpy() for name in ENDS], axis=1)
    for end in (ends[:, :2], ends[:, 2:]):
        assert (end >= [box.south, box.west]).all()
        assert (end <= [box.north, box.east]).all()
    assert (np.round(ends, 6) == ends).all()
    distance = haversine(*ends.T)
    assert (distance > 100).all()
    assert np.allclose(distance, table["distance_m"].to_numpy(), rtol=1e-12)
    later = (table["hour"].to_numpy() - table["start_hour"].to_numpy()) % 24
    assert set(later.tolist()) <= {0, 1}
    assert table.sort_by([(name, "ascending") for name in table.schema.names]).equals(table)


@settings(max_examples=8)
@given(box=any_box(largest=0.2), seed=st.integers(0, 99))
def test_every_row_is_valid_whatever_the_box(box: Box, seed: int) -> None:
    field = random_field((box,), seed, starts=200, ends=210)
    narrow = haversine(box.south, box.west, box.north, box.east) < 1000
    assert_valid(field, seed, 0 if narrow else 180)


def test_trips_have_the_starts_hours_and_lengths_they_should(town_field: EndsField) -> None:
    field = random_field((TOWN,), 0, starts=20_000, ends=20_000)
    prior = RidePrior()
    table = modelled_trips(pair(field, prior), np.random.default_rng(0))
    assert table.num_rows > 19_900
    hours = np.bincount(table["start_hour"].to_numpy(), minlength=24) / table.num_rows
    assert hours == pytest.approx(field.by_hour("start").sum(axis=(1, 2)), abs=0.003)
    hours = np.bincount(table["hour"].to_numpy(), minlength=24) / table.num_rows
    assert hours == pytest.approx(field.by_hour("end").sum(axis=(1, 2)), abs=0.006)
    edges = np.array([100.0, 300.0, 900.0, 2_700.0, 10_000.0])
    found = np.histogram(table["distance_m"].to_numpy(), edges)[0] / table.num_rows
    assert found == pytest.approx(prior.lengths(edges), abs=0.05)


def test_trips_for_which_there_is_no_room_are_left_out() -> None:
    north = Box(name="north", south=84, west=8, north=84.01, east=8.02)
    field = random_field((north,), 0)
    cells = np.zeros_like(field.start_cells)
    cells[0, 0] = 1
    part = np.zeros_like(field.parts)
    part[0, 0, 0] = 1  # a single part of a cell: 278 m high, and 93 m wide at that latitude
    crowded = replace(field, start_cells=cells, end_cells=cells, parts=part)
    table = modelled_trips(pair(crowded), np.random.default_rng(0))
    assert 0 < table.num_rows <= 900


def test_one_generator_one_table(town_field: EndsField) -> None:
    pairing = pair(town_field)
    first, second, third = (modelled_trips(pairing, np.random.default_rng(s)) for s in (1, 1, 2))
    assert first.equals(second)
    assert not first.equals(third)
