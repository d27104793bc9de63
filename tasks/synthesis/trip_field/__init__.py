"""`trip_field`: a density of hour, origin and destination, fitted to noisy counts.

    plan = make_plan(boxes, rows, guarantee, FieldSettings())   public quantities only
    measurements = measure(trips, plan)                         the one private step
    field = fit(measurements)                                   post-processing from here on
    release = sample(field, rows, generator)

`fit` needs TensorFlow and is imported from `tasks.synthesis.trip_field.fit`.
"""

from tasks.synthesis.trip_field.density import log_density
from tasks.synthesis.trip_field.field import Field, load_field, save_field
from tasks.synthesis.trip_field.measurements import (
    COUNTS,
    DOCUMENT,
    FieldMechanism,
    Measurements,
    Plan,
    load_measurements,
    make_plan,
    measure,
    save_measurements,
)
from tasks.synthesis.trip_field.settings import FieldSettings, Prior, Shares

__all__ = [
    "COUNTS",
    "DOCUMENT",
    "Field",
    "FieldMechanism",
    "FieldSettings",
    "Measurements",
    "Plan",
    "Prior",
    "Shares",
    "load_field",
    "load_measurements",
    "log_density",
    "make_plan",
    "measure",
    "save_field",
    "save_measurements",
]
