"""The noisy counts of starts and ends as a table for people; places are those of `trip_field`."""

import pyarrow as pa

from tasks.schema import MEASUREMENTS_OF_ENDS
from tasks.synthesis.trip_ends.measurements import EndsMeasurements
from tasks.synthesis.trip_ends.tables import AS_OF_TRIPS
from tasks.synthesis.trip_field.measured_table import counted_table


def measured_table(measurements: EndsMeasurements) -> pa.Table:
    """Every noisy count; places wholly outside the boxes of the service area are left out.

    Returns:
        Columns of `tasks.schema.MEASUREMENTS_OF_ENDS`, in the order of the tables and their cells.
    """
    lattice = measurements.plan.lattice
    return pa.concat_tables(
        counted_table(
            MEASUREMENTS_OF_ENDS,
            lattice,
            table.name,
            AS_OF_TRIPS[table.name.split("_", 1)[1]],
            *measurements.estimate(table.name),
        )
        for table in measurements.plan.mechanism.tables
    )
