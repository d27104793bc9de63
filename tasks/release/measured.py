"""What a measured synthesizer publishes beside its rows: noisy counts and fitted density."""

import shutil
from pathlib import Path

from tasks.release.sampler import SAMPLER, sampler_archive
from tasks.release.tables import write_parquet
from tasks.synthesis import trip_ends, trip_field
from tasks.synthesis.trip_ends.measured_table import measured_table as measured_table_of_ends
from tasks.synthesis.trip_field.field import FIELD
from tasks.synthesis.trip_field.measured_table import measured_table

MEASURED = "measurements.parquet"


def write_measured(model: Path, directory: Path, is_of_ends: bool) -> tuple[str, ...]:
    """Write noisy counts, density and sampler; all of it is post-processing of the counts.

    Args:
        model: Directory of a stored model of `trip_field`, or of `trip_ends`.
        directory: Where the files go.
        is_of_ends: Whether it is of `trip_ends`.

    Returns:
        Their names.

    Raises:
        ModelFileError: If the model's measurements cannot be read.
    """
    if is_of_ends:
        counts = measured_table_of_ends(trip_ends.load_measurements(model))
    else:
        counts = measured_table(trip_field.load_measurements(model))
    write_parquet(counts, directory / MEASURED)
    for name in FIELD.files:
        shutil.copyfile(model / name, directory / name)
    (directory / SAMPLER).write_bytes(sampler_archive())
    return (MEASURED, *FIELD.files, SAMPLER)
