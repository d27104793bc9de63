"""The stored network of `char_lstm`: its weights as plain arrays, schema and settings as JSON."""

from dataclasses import dataclass
from pathlib import Path

from tasks.synthesis.char_lstm.network import CharNetwork
from tasks.synthesis.dpsgd import Vector, arrays_of, vector_of
from tasks.synthesis.stored import Stored
from tasks.tables import CharLstm, PublicTable

CHAR_NETWORK = Stored("char_network", "a network", "restore it from a backup, or train again")


@dataclass(frozen=True)
class TrainedCharNetwork:
    """A `char_lstm` with its weights.

    Attributes:
        network: The network.
        weights: Its parameters as one vector, shape (size,).
    """

    network: CharNetwork
    weights: Vector


def save_char_network(directory: Path, trained: TrainedCharNetwork) -> list[str]:
    """Write weights, schema and settings; returns the names of the files."""
    network = trained.network
    arrays = arrays_of(trained.weights, network.shapes)
    document = {
        "table": network.table.model_dump(mode="json"),
        "settings": network.settings.model_dump(mode="json"),
    }
    return CHAR_NETWORK.save(directory, arrays, document)


def load_char_network(directory: Path) -> TrainedCharNetwork:
    """Read a stored network.

    Raises:
        ModelFileError: If it is missing or not readable.
    """
    with CHAR_NETWORK.reading(directory) as (document, arrays):
        table = PublicTable.model_validate(document["table"])
        network = CharNetwork(table, CharLstm.model_validate(document["settings"]))
        return TrainedCharNetwork(network, vector_of(arrays, network.shapes))
