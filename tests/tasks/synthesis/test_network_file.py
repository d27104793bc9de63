from pathlib import Path

import numpy as np
import pytest

from tasks.region import TripNet
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.grid import Grid
from tasks.synthesis.network_file import (
    NETWORK,
    TrainedNetwork,
    load_network,
    save_network,
)
from tasks.synthesis.trip_net import TripNetwork


@pytest.fixture
def trained(grid: Grid) -> TrainedNetwork:
    network = TripNetwork(grid, TripNet(hidden_units=8))
    return TrainedNetwork(network, network.start())


def test_a_network_comes_back_as_it_was(tmp_path: Path, trained: TrainedNetwork) -> None:
    files = save_network(tmp_path, trained)
    again = load_network(tmp_path)
    assert again.network == trained.network
    assert (again.weights == trained.weights).all()
    assert again.weights.dtype == np.float32
    assert {path.name for path in tmp_path.iterdir()} == set(files) == set(NETWORK.files)


def test_the_weights_are_plain_arrays(tmp_path: Path, trained: TrainedNetwork) -> None:
    save_network(tmp_path, trained)
    with np.load(tmp_path / NETWORK.arrays, allow_pickle=False) as arrays:
        assert arrays["hour/bias"].shape == (24,)


def test_what_is_no_network_gets_one_line(tmp_path: Path, trained: TrainedNetwork) -> None:
    save_network(tmp_path, trained)
    (tmp_path / NETWORK.document).write_text("{}")
    with pytest.raises(ModelFileError, match="restore it") as caught:
        load_network(tmp_path)
    assert "\n" not in str(caught.value)
