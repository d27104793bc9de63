from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tasks.mobility.distance import haversine
from tasks.region import Guarantee, TripField, TripNet
from tasks.schema import RELEASE
from tasks.synthesis.draw import draw_from_network, draw_release
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.grid import Grid
from tasks.synthesis.model_file import StoredModel, save_model
from tasks.synthesis.network_file import TrainedNetwork, save_network
from tasks.synthesis.trip_field import Evidence, FieldSettings, make_plan, measure, save_field
from tasks.synthesis.trip_field.fit import fit
from tasks.synthesis.trip_net import TripNetwork

MakeTrips = Callable[[int, int], pa.Table]
ROWS = 3000


@pytest.fixture(scope="module", params=["trip_field", "trip_net"])
def model(
    request: pytest.FixtureRequest,
    grid: Grid,
    make_trips: MakeTrips,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The directory of a model that has hardly learnt a thing."""
    directory = tmp_path_factory.mktemp("model")
    if request.param == "trip_field":
        plan = make_plan(grid.boxes, ROWS, Guarantee(), FieldSettings(steps=3))
        measurements = measure(make_trips(ROWS, 1), plan)
        files = save_field(directory, fit(plan, Evidence.of(measurements)))
        save_model(directory, StoredModel(TripField(), ROWS, {}), files, {})
        return directory
    network = TripNetwork(grid, TripNet())
    files = save_network(directory, TrainedNetwork(network, network.start()))
    save_model(directory, StoredModel(TripNet(), ROWS, {}), files, {})
    return directory


def test_the_release_has_exactly_n_valid_rows_in_an_order_that_says_nothing(
    model: Path, grid: Grid
) -> None:
    table = draw_release(model)
    assert table.schema.equals(RELEASE.arrow(), check_metadata=True)
    assert len(table) == ROWS
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
    assert table.equals(table.sort_by([(name, "ascending") for name in RELEASE.names]))


def test_two_draws_differ(model: Path) -> None:
    assert not draw_release(model, 50).equals(draw_release(model, 50))
    assert len(draw_release(model, 7)) == 7


def test_no_rows_are_a_table_without_rows(grid: Grid, model: Path) -> None:
    network = TripNetwork(grid, TripNet())
    for empty in (
        draw_release(model, 0),
        draw_from_network(TrainedNetwork(network, network.start()), 0),
    ):
        assert isinstance(empty, pa.Table)
        assert len(empty) == 0


def test_a_model_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="train the day first"):
        draw_release(tmp_path)
