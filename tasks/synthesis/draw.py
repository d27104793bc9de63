"""The rows of a release, drawn from a stored model of any synthesizer; post-processing."""

from pathlib import Path

import pyarrow as pa

from tasks.privacy.noise import fresh_generator
from tasks.region.model import TripEnds, TripField
from tasks.synthesis.model_file import load_model
from tasks.synthesis.network_file import TrainedNetwork, load_network
from tasks.synthesis.sampling import release_table
from tasks.synthesis.trip_ends import load_field as load_ends
from tasks.synthesis.trip_ends.pairing import pair
from tasks.synthesis.trip_ends.sampling import sample as sample_ends
from tasks.synthesis.trip_ends.trips import modelled_trips
from tasks.synthesis.trip_field import load_field
from tasks.synthesis.trip_field.sampling import sample


def draw_tables(directory: Path) -> dict[str, pa.Table]:
    """Draw every table of a release.

    Args:
        directory: The model's directory.

    Returns:
        `trips`; or, where nothing links the ends of rides, `starts`, `ends` and `modelled_trips`.
        Rows are sorted by their values: the order says nothing.

    Raises:
        ModelFileError: If the model is not finished or not readable.
        FileError: If a file of it is missing or altered.
    """
    if not isinstance(load_model(directory).settings, TripEnds):
        return {"trips": draw_release(directory)}
    field, generator = load_ends(directory), fresh_generator()
    return {
        "starts": sample_ends(field, "start", generator),
        "ends": sample_ends(field, "end", generator),
        "modelled_trips": modelled_trips(pair(field), generator),
    }


def draw_release(directory: Path, rows: int | None = None) -> pa.Table:
    """Draw synthetic trips; every row is valid by construction.

    Args:
        directory: The model's directory.
        rows: Number of rows; by default the model's.

    Returns:
        Columns of `tasks.schema.RELEASE`, sorted by their values: the order says nothing.

    Raises:
        ModelFileError: If the model is not finished or not readable.
        FileError: If a file of it is missing or altered.
    """
    model = load_model(directory)
    if rows is None:
        assert isinstance(model.rows, int)
        rows = model.rows
    if isinstance(model.settings, TripField):
        return sample(load_field(directory), rows, fresh_generator())
    return draw_from_network(load_network(directory), rows)


def draw_from_network(trained: TrainedNetwork, rows: int) -> pa.Table:
    """The same from a `trip_net`.

    Examples:
        >>> from tasks.region import Box, TripNet
        >>> from tasks.synthesis.grid import Grid
        >>> from tasks.synthesis.trip_net import TripNetwork
        >>> grid = Grid((Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9),), 2)
        >>> network = TripNetwork(grid, TripNet(levels=2))
        >>> draw_from_network(TrainedNetwork(network, network.start()), 5).num_rows
        5
    """
    generator, network = fresh_generator(), trained.network
    tokens = network.sample(trained.weights, rows, generator)
    return release_table(network.grid.boxes, network.grid.decode(tokens, generator))
