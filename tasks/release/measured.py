"""What a measured synthesizer publishes beside its rows: noisy counts and fitted density."""

import shutil
from pathlib import Path

from tasks.release.sampler import SAMPLER, sampler_archive
from tasks.release.tables import write_parquet
from tasks.synthesis.trip_field import load_measurements
from tasks.synthesis.trip_field.field import FIELD
from tasks.synthesis.trip_field.measured_table import measured_table

MEASURED = "measurements.parquet"


def write_measured(model: Path, directory: Path) -> tuple[str, ...]:
    """Write noisy counts, density and sampler; all of it is post-processing of the counts.

    Args:
        model: Directory of a stored model of `trip_field`.
        directory: Where the files go.

    Returns:
        Their names.

    Raises:
        ModelFileError: If the model's measurements cannot be read.
    """
    write_parquet(measured_table(load_measurements(model)), directory / MEASURED)
    for name in FIELD.files:
        shutil.copyfile(model / name, directory / name)
    (directory / SAMPLER).write_bytes(sampler_archive())
    return (MEASURED, *FIELD.files, SAMPLER)
