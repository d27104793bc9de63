"""The rows of a release, drawn from a stored model."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tasks.privacy.noise import fresh_generator
from tasks.region.model import Box
from tasks.schema import RELEASE
from tasks.synthesis.grid import Columns
from tasks.synthesis.model_file import StoredModel
from tasks.synthesis.trip_net import TripNetwork


def sample_release(model: StoredModel, rows: int | None = None) -> pa.Table:
    """Draw synthetic trips; every row is valid by construction.

    Args:
        model: A trained model; what is drawn from it is post-processing.
        rows: Number of rows; by default the model's.

    Returns:
        Columns of `tasks.schema.RELEASE`, sorted by their values: the order says nothing.

    Examples:
        >>> import numpy as np
        >>> from tasks.region import TripNet
        >>> from tasks.synthesis.grid import Grid
        >>> grid = Grid((Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9),), 2)
        >>> untrained = TripNetwork(grid, TripNet(levels=2)).start()
        >>> table = sample_release(StoredModel(TripNet(levels=2), grid, 5, {}, untrained))
        >>> table.num_rows, table.schema.names == list(RELEASE.names)
        (5, True)
    """
    generator = fresh_generator()
    network = TripNetwork(model.grid, model.settings)
    tokens = network.sample(model.weights, model.rows if rows is None else rows, generator)
    return release_table(model.grid.boxes, model.grid.decode(tokens, generator))


def release_table(boxes: Sequence[Box], columns: Columns) -> pa.Table:
    """Decoded trips as a table of the release's schema, sorted."""
    order = np.lexsort(
        (
            columns.destination_longitude,
            columns.destination_latitude,
            columns.origin_longitude,
            columns.origin_latitude,
            columns.hour,
            columns.area,
        )
    )
    names = pa.array([box.name for box in boxes], pa.string())
    values = {
        "area": names.take(pa.array(columns.area[order])),
        "hour": columns.hour[order].astype(np.int8),
        **{name: getattr(columns, name)[order] for name in RELEASE.names[2:]},
    }
    return pa.table([values[name] for name in RELEASE.names], schema=RELEASE.arrow())
