"""The stored network of `trip_net`: its weights as plain arrays, its grid and settings as JSON."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.region.model import TripNet
from tasks.synthesis.dpsgd import Vector, arrays_of, vector_of
from tasks.synthesis.grid import Grid, Tokens
from tasks.synthesis.stored import Stored
from tasks.synthesis.trip_net import TripNetwork

NETWORK = Stored("network", "a network", "restore it from a backup")


@dataclass(frozen=True)
class TrainedNetwork:
    """A `trip_net` with its weights.

    Attributes:
        network: The network.
        weights: Its parameters as one vector, shape (size,).
    """

    network: TripNetwork
    weights: Vector

    def log_likelihood(self, records: Tokens) -> NDArray[np.float64]:
        """The logarithm of each record's probability, shape (n,), nats; zero for null records."""
        return self.network.log_likelihood(self.weights, records)


def save_network(directory: Path, trained: TrainedNetwork) -> list[str]:
    """Write weights, grid and settings; returns the names of the files."""
    network = trained.network
    arrays = arrays_of(trained.weights, network.shapes)
    settings = network.settings.model_dump(mode="json")
    return NETWORK.save(directory, arrays, {"grid": network.grid.describe(), "settings": settings})


def load_network(directory: Path) -> TrainedNetwork:
    """Read a stored network.

    Raises:
        ModelFileError: If it is missing or not readable.
    """
    with NETWORK.reading(directory) as (document, arrays):
        settings = TripNet.model_validate(document["settings"])
        network = TripNetwork(Grid.described(document["grid"]), settings)
        return TrainedNetwork(network, vector_of(arrays, network.shapes))
