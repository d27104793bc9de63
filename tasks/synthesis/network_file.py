"""The stored network of `trip_net`: its weights as plain arrays, its grid and settings as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.files import write_atomically
from tasks.region.model import TripNet
from tasks.synthesis.arrays import UNREADABLE, load_arrays, save_arrays
from tasks.synthesis.dpsgd import Vector
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.grid import Grid, Tokens
from tasks.synthesis.trip_net import TripNetwork

WEIGHTS = "network.npz"
NETWORK = "network.json"


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
    ends = np.cumsum([int(np.prod(shape)) for shape in network.shapes.values()])
    parts = np.split(trained.weights, ends[:-1])
    named = zip(network.shapes.items(), parts, strict=True)
    save_arrays(directory / WEIGHTS, {name: part.reshape(shape) for (name, shape), part in named})
    document = {
        "grid": network.grid.describe(),
        "settings": network.settings.model_dump(mode="json"),
    }
    write_atomically(directory / NETWORK, (json.dumps(document, indent=2) + "\n").encode())
    return [WEIGHTS, NETWORK]


def load_network(directory: Path) -> TrainedNetwork:
    """Read a stored network.

    Raises:
        ModelFileError: If it is missing or not readable.
    """
    try:
        document = json.loads((directory / NETWORK).read_bytes())
        settings = TripNet.model_validate(document["settings"])
        network = TripNetwork(Grid.described(document["grid"]), settings)
        parts = load_arrays(directory / WEIGHTS).values()
        return TrainedNetwork(network, np.concatenate([part.ravel() for part in parts]))
    except UNREADABLE as error:
        raise ModelFileError(
            f"{directory}: not a network of this version ({error}); restore it from a backup"
        ) from error
