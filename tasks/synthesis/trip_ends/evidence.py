"""What a fit of starts and ends goes by: the counts of either kind, each as far as it is known."""

from collections.abc import Mapping

import numpy as np

from tasks.synthesis.trip_ends.measurements import EndsMeasurements
from tasks.synthesis.trip_ends.tables import AS_OF_TRIPS, KINDS, Kind
from tasks.synthesis.trip_field.evidence import Evidence
from tasks.synthesis.trip_field.lattice import Floats

EndsEvidence = Mapping[Kind, Evidence]
"""Of each kind the counts, under the names of `trip_field` (`AS_OF_TRIPS`)."""


def evidence_of(measurements: EndsMeasurements) -> EndsEvidence:
    """What a day's measurements say by themselves."""
    return {kind: Evidence.measured(estimates_of(measurements, kind)) for kind in KINDS}


def estimates_of(measurements: EndsMeasurements, kind: Kind) -> dict[str, tuple[Floats, float]]:
    """Noisy counts of a kind and the standard deviation of their noise, likewise named."""
    measured = {table.name for table in measurements.plan.mechanism.tables}
    return {
        as_of_trips: measurements.estimate(f"{kind}_{name}")
        for name, as_of_trips in AS_OF_TRIPS.items()
        if f"{kind}_{name}" in measured
    }


def pooled(evidence: EndsEvidence) -> Evidence:
    """Starts and ends added up, in the tables that both have."""
    start, end = (evidence[kind] for kind in KINDS)
    both = [name for name in start.values if name in end.values]
    return Evidence(
        {name: start.values[name] + end.values[name] for name in both},
        {name: np.hypot(start.stddev[name], end.stddev[name]) for name in both},
    )
