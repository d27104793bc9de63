"""The intervals of a release: how far the true numbers of the day may be from its rows."""

from pathlib import Path

import pyarrow as pa

from tasks.privacy.noise import fresh_generator
from tasks.region.model import TripField
from tasks.synthesis.model_file import load_model
from tasks.synthesis.trip_field import load_field, load_spread
from tasks.synthesis.trip_field.intervals import intervals
from tasks.synthesis.trip_field.spread import SPREAD


def intervals_of(directory: Path, trips: pa.Table) -> pa.Table | None:
    """The intervals of a table of synthetic trips; post-processing, which costs no privacy.

    Args:
        directory: The model's directory.
        trips: Columns of `tasks.schema.RELEASE`, drawn from the model.

    Returns:
        Columns of `tasks.schema.INTERVALS`; or none, for a model that was not fitted to counts, or
        by a version that kept no spread.

    Raises:
        ModelFileError: If the model is not finished or not readable.
        FileError: If a file of it is missing or altered.
    """
    if not isinstance(load_model(directory).settings, TripField):
        return None
    if not (directory / SPREAD.document).exists():
        return None
    return intervals(load_field(directory), load_spread(directory), trips, fresh_generator())
