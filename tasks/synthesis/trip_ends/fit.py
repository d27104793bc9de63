"""The fit: the most probable densities given the noisy counts, their known noise and the prior.

It reads only what was measured, so it costs no privacy and may be repeated.
"""

import math

import numpy as np
import tensorflow as tf

from tasks.synthesis.trip_ends.field import EndsField
from tasks.synthesis.trip_ends.measurements import EndsMeasurements
from tasks.synthesis.trip_ends.model import EndsModel
from tasks.synthesis.trip_ends.tables import KINDS
from tasks.synthesis.trip_field.evidence import Evidence
from tasks.synthesis.trip_field.fit import doubtful, fitted_parts, maximise
from tasks.synthesis.trip_field.lattice import CELLS, Floats, Lattice

_FITTED_TOGETHER = ("cells", "blocks", "block_hours", "area_hours", "hours")
_POOLED = {
    "cells": "ends",
    "blocks": "block_ends",
    "quarters": "quarters",
    "sixteenths": "sixteenths",
}
"""Tables whose starts and ends are added up, and what `trip_field` calls the sum."""


def fit(measurements: EndsMeasurements) -> EndsField:
    """Fit the densities of starts and of ends to measurements."""
    plan = measurements.plan
    model = EndsModel(plan.lattice, plan.settings.prior)
    numbers = dict(zip(KINDS, (plan.starts, plan.ends), strict=True))
    measured = {table.name for table in plan.mechanism.tables}
    seen = {
        (kind, name): measurements.estimate(f"{kind}_{name}")
        for kind in KINDS
        for name in _FITTED_TOGETHER
        if f"{kind}_{name}" in measured
    }
    targets = {key: tf.constant(values, tf.float32) for key, (values, _) in seen.items()}
    weights = {
        key: tf.constant(_weights(plan.lattice, key[1], *seen[key]), tf.float32) for key in seen
    }

    def loss(effects: dict[str, tf.Tensor]) -> tf.Tensor:
        densities = model.densities(effects)
        expected = {kind: model.expected(densities[kind], numbers[kind]) for kind in KINDS}
        return tf.add_n(
            [
                tf.reduce_sum(weights[key] * (expected[key[0]][key[1]] - targets[key]) ** 2) / 2
                for key in targets
            ]
        )

    start = {name: np.zeros(shape, np.float32) for name, shape in model.shapes.items()}
    effects = maximise(loss, start, plan.settings.steps, plan.settings.learning_rate)
    densities = model.densities(effects)
    expected = [model.expected(densities[kind], numbers[kind]) for kind in KINDS]
    both = {
        pooled: sum(tables[name].numpy() for tables in expected)
        for name, pooled in _POOLED.items()
        if name in expected[0]
    }
    pooled = _pooled(measurements)
    doubt = doubtful(plan.lattice, pooled, both)
    cells = {}
    for kind in KINDS:
        kept = densities[kind].cells.numpy().astype(np.float64) * doubt
        cells[kind] = kept / kept.sum()
    return EndsField(
        lattice=plan.lattice,
        starts=plan.starts,
        ends=plan.ends,
        start_cells=cells["start"],
        end_cells=cells["end"],
        start_hours=densities["start"].hours.numpy(),
        end_hours=densities["end"].hours.numpy(),
        parts=fitted_parts(plan.lattice, pooled, both["ends"].reshape(-1, CELLS)),
    )


def _pooled(measurements: EndsMeasurements) -> Evidence:
    """What was measured of places, starts and ends added up, under the names of `trip_field`."""
    measured = {table.name for table in measurements.plan.mechanism.tables}
    values, stddev = {}, {}
    for name, pooled in _POOLED.items():
        seen = [
            measurements.estimate(f"{kind}_{name}")
            for kind in KINDS
            if f"{kind}_{name}" in measured
        ]
        if seen:
            values[pooled] = np.sum([counts for counts, _ in seen], axis=0)
            stddev[pooled] = np.full(len(values[pooled]), math.hypot(*(noise for _, noise in seen)))
    return Evidence(values, stddev)


def _weights(lattice: Lattice, name: str, values: Floats, stddev: float) -> Floats:
    """Inverse variances; cells that the public area rules out say nothing."""
    weights = np.full(len(values), stddev**-2)
    if name == "cells":
        weights[(lattice.cover == 0).all(axis=2).ravel()] = 0
    return weights
