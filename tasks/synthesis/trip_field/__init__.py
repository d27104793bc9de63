"""`trip_field`: a density of hour, origin and destination, fitted to noisy counts.

    plan = make_plan(boxes, rows, guarantee, FieldSettings())   public quantities only
    measurements = measure(trips, plan)                         the one private step
    evidence, state = advanced(yesterday, measurements, day)    post-processing from here on
    field, spread = fit_with_spread(plan, evidence)
    release = sample(field, rows, generator)
    bars = intervals(field, spread, release, generator)         how far it may be from the day

Without days before, `Evidence.of(measurements)` is what a fit goes by.

`fit` and `fit_with_spread` need TensorFlow and are imported from `tasks.synthesis.trip_field.fit`.
"""

from tasks.synthesis.trip_field.density import log_density
from tasks.synthesis.trip_field.evidence import Evidence
from tasks.synthesis.trip_field.field import Field, load_field, save_field
from tasks.synthesis.trip_field.measurements import (
    MEASUREMENTS,
    FieldMechanism,
    Measurements,
    Plan,
    load_measurements,
    make_plan,
    measure,
    save_measurements,
)
from tasks.synthesis.trip_field.settings import FieldSettings, Prior, Shares
from tasks.synthesis.trip_field.spread import Spread, load_spread, save_spread
from tasks.synthesis.trip_field.state import State, advanced, load_state, save_state

__all__ = [
    "MEASUREMENTS",
    "Evidence",
    "Field",
    "FieldMechanism",
    "FieldSettings",
    "Measurements",
    "Plan",
    "Prior",
    "Shares",
    "Spread",
    "State",
    "advanced",
    "load_field",
    "load_measurements",
    "load_spread",
    "load_state",
    "log_density",
    "make_plan",
    "measure",
    "save_field",
    "save_measurements",
    "save_spread",
    "save_state",
]
