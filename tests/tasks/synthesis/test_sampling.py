import numpy as np
import pyarrow as pa

from tasks.mobility.distance import haversine
from tasks.region import TripNet
from tasks.schema import RELEASE
from tasks.synthesis.grid import Grid
from tasks.synthesis.model_file import StoredModel
from tasks.synthesis.sampling import sample_release
from tasks.synthesis.trip_net import TripNetwork


def untrained(grid: Grid, rows: int) -> StoredModel:
    weights = TripNetwork(grid, TripNet()).start()
    return StoredModel(TripNet(), grid, rows, {}, weights)


def test_the_release_has_exactly_n_valid_rows_in_an_order_that_says_nothing(grid: Grid) -> None:
    table = sample_release(untrained(grid, 3000))
    assert table.schema.equals(RELEASE.arrow(), check_metadata=True)
    assert len(table) == 3000
    boxes = {box.name: box for box in grid.boxes}
    for row in table.to_pylist():
        box = boxes[row["area"]]
        for end in ("origin", "destination"):
            assert box.south <= row[f"{end}_latitude"] <= box.north
            assert box.west <= row[f"{end}_longitude"] <= box.east
        assert row["distance_m"] > 100
        assert 0 <= row["hour"] <= 23
    ends = [table[name].to_numpy() for name in RELEASE.names[2:6]]
    assert np.allclose(haversine(*ends), table["distance_m"].to_numpy(), rtol=1e-9)
    keys = [(name, "ascending") for name in RELEASE.names]
    assert table.equals(table.sort_by(keys))


def test_two_samples_differ(grid: Grid) -> None:
    model = untrained(grid, 50)
    assert not sample_release(model).equals(sample_release(model))
    assert len(sample_release(model, rows=7)) == 7


def test_no_rows_are_a_table_without_rows(grid: Grid) -> None:
    empty = sample_release(untrained(grid, 0))
    assert isinstance(empty, pa.Table)
    assert len(empty) == 0
