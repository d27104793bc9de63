"""`trip_ends`: starts and ends of rides that nothing links, as densities of place and hour.

    plan = make_plan(boxes, starts, ends, guarantee, EndsSettings())   public quantities only
    measurements = measure(table, plan)                       the one private step
    field = fit(plan, evidence_of(measurements))              post-processing from here on
    starts, ends = sample(field, "start", generator), sample(field, "end", generator)
    trips = modelled_trips(pair(field), generator)

Which start belongs to which end is not known, and nothing here tries to find out: private rows are
only counted, starts by themselves and ends by themselves. Trips are made of the two fitted
densities and of what is publicly known about rides, and are called modelled.

`fit` needs TensorFlow and is imported from `tasks.synthesis.trip_ends.fit`.
"""

from tasks.synthesis.trip_ends.density import log_density
from tasks.synthesis.trip_ends.evidence import EndsEvidence, evidence_of
from tasks.synthesis.trip_ends.field import EndsField, load_field, save_field
from tasks.synthesis.trip_ends.measurements import (
    EndsMeasurements,
    EndsMechanism,
    EndsPlan,
    load_measurements,
    make_plan,
    measure,
    save_measurements,
)
from tasks.synthesis.trip_ends.settings import EndsPrior, EndsSettings, EndsShares

__all__ = [
    "EndsEvidence",
    "EndsField",
    "EndsMeasurements",
    "EndsMechanism",
    "EndsPlan",
    "EndsPrior",
    "EndsSettings",
    "EndsShares",
    "evidence_of",
    "load_field",
    "load_measurements",
    "log_density",
    "make_plan",
    "measure",
    "save_field",
    "save_measurements",
]
