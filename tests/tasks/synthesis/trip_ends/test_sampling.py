import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.region import Box
from tasks.schema import RELEASE_ENDS, RELEASE_STARTS
from tasks.synthesis.trip_ends import EndsField
from tasks.synthesis.trip_ends.sampling import sample
from tasks.synthesis.trip_ends.tables import Kind, events
from tasks.synthesis.trip_field.lattice import CELLS
from tests.tasks.synthesis.boxes import any_box
from tests.tasks.synthesis.trip_ends.conftest import random_field

SCHEMAS = {"start": RELEASE_STARTS, "end": RELEASE_ENDS}


def assert_valid(table: pa.Table, field: EndsField, kind: Kind) -> None:
    assert table.schema == SCHEMAS[kind].arrow()
    boxes = {box.name: box for box in field.lattice.boxes}
    for row in table.to_pylist():
        box = boxes[row["area"]]
        assert box.south <= row["latitude"] <= box.north
        assert box.west <= row["longitude"] <= box.east
        assert 0 <= row["hour"] <= 23
    for name in ("latitude", "longitude"):
        assert (np.round(table[name].to_numpy(), 6) == table[name].to_numpy()).all()


@settings(max_examples=15)
@given(box=any_box(largest=0.4), kind=st.sampled_from(["start", "end"]), seed=st.integers(0, 99))
def test_every_row_is_valid_whatever_the_box(box: Box, kind: Kind, seed: int) -> None:
    field = random_field((box,), seed)
    table = sample(field, kind, np.random.default_rng(seed), 100)
    assert table.num_rows == 100
    assert_valid(table, field, kind)


def test_cells_and_hours_get_their_share(town_field: EndsField) -> None:
    table = sample(town_field, "end", np.random.default_rng(0), 20_000)
    found = events(
        town_field.lattice, table.append_column("kind", pa.array(["end"] * 20_000)), "end"
    )
    cells = np.bincount(found.block * CELLS + found.cell, minlength=town_field.end_cells.size)
    # rounding to 1e-6 degrees moves one over an edge once in a while
    assert np.abs(cells - 20_000 * town_field.end_cells.ravel()).max() < 18
    hours = np.bincount(found.hour, minlength=24)
    expected = 20_000 * town_field.by_hour("end").sum(axis=(1, 2))
    assert np.abs(hours - expected).max() < 12  # independent draws: about 60


def test_any_number_of_rows_can_be_drawn(town_field: EndsField) -> None:
    for rows in (0, 1, 3000):
        assert sample(town_field, "start", np.random.default_rng(1), rows).num_rows == rows
    assert sample(town_field, "end", np.random.default_rng(1)).num_rows == town_field.ends


def test_one_generator_one_table(town_field: EndsField) -> None:
    first, second, third = (
        sample(town_field, "start", np.random.default_rng(seed)) for seed in (4, 4, 5)
    )
    assert first.equals(second)
    assert not first.equals(third)
