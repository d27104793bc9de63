from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.region import Guarantee, TripField, TripNet
from tasks.schema import INTERVALS
from tasks.synthesis.draw import draw_release
from tasks.synthesis.error_bars import intervals_of
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.grid import Grid
from tasks.synthesis.model_file import StoredModel, save_model
from tasks.synthesis.network_file import TrainedNetwork, save_network
from tasks.synthesis.trip_field import (
    Evidence,
    FieldSettings,
    make_plan,
    measure,
    save_field,
    save_spread,
)
from tasks.synthesis.trip_field.fit import fit_with_spread
from tasks.synthesis.trip_net import TripNetwork
from tests.tasks.synthesis.charged import BOX

MakeTrips = Callable[[int, int], pa.Table]
ROWS = 200


def store_field(directory: Path, trips: pa.Table, *, with_spread: bool) -> None:
    plan = make_plan((BOX,), ROWS, Guarantee(epsilon=1.0, delta=1e-6), FieldSettings(steps=2))
    field, spread = fit_with_spread(plan, Evidence.of(measure(trips, plan)), 2)
    files = save_field(directory, field)
    if with_spread:
        files += save_spread(directory, spread)
    save_model(directory, StoredModel(TripField(steps=2), ROWS, {}), files, {})


def test_a_counted_model_has_intervals_of_the_rows_it_is_given(
    tmp_path: Path, make_trips: MakeTrips
) -> None:
    store_field(tmp_path, make_trips(ROWS, 1), with_spread=True)
    rows = draw_release(tmp_path)
    table = intervals_of(tmp_path, rows)
    assert table is not None
    assert table.schema.equals(INTERVALS.arrow())
    hours = table.filter(pa.compute.field("counted") == "hours")
    assert sum(hours["rows"].to_pylist()) == ROWS


def test_models_that_cannot_tell_have_none(tmp_path: Path, make_trips: MakeTrips) -> None:
    older, network = tmp_path / "older", tmp_path / "network"
    older.mkdir()
    network.mkdir()
    store_field(older, make_trips(ROWS, 1), with_spread=False)
    settings = TripNet()
    net = TripNetwork(Grid((BOX,), settings.levels), settings)
    files = save_network(network, TrainedNetwork(net, net.start()))
    save_model(network, StoredModel(settings, ROWS, {}), files, {})
    for directory in (older, network):
        assert intervals_of(directory, draw_release(directory, 5)) is None
    with pytest.raises(ModelFileError):
        intervals_of(tmp_path, draw_release(older, 5))
