"""The fit: the most probable densities given the noisy counts, their known noise and the prior.

It reads only what was measured, so it costs no privacy and may be repeated.
"""

import numpy as np
import tensorflow as tf

from tasks.synthesis.trip_ends.evidence import EndsEvidence, pooled
from tasks.synthesis.trip_ends.field import EndsField
from tasks.synthesis.trip_ends.measurements import EndsPlan
from tasks.synthesis.trip_ends.model import EndsModel
from tasks.synthesis.trip_ends.tables import KINDS
from tasks.synthesis.trip_field.ascent import Ascent, rates
from tasks.synthesis.trip_field.doubt import doubtful
from tasks.synthesis.trip_field.evidence import Evidence
from tasks.synthesis.trip_field.fit import fitted_parts, hours_of_day
from tasks.synthesis.trip_field.lattice import CELLS, Floats, Lattice

_FITTED_TOGETHER = ("ends", "block_ends", "block_hours", "area_hours", "hours")


def fit(plan: EndsPlan, evidence: EndsEvidence) -> EndsField:
    """Fit the densities of starts and of ends to what is known of a day.

    Args:
        plan: What was measured, on which lattice.
        evidence: The counts of either kind.
    """
    lattice, model = plan.lattice, EndsModel(plan.lattice, plan.settings.prior)
    numbers = dict(zip(KINDS, (plan.starts, plan.ends), strict=True))
    seen = [
        (kind, name) for kind in KINDS for name in _FITTED_TOGETHER if name in evidence[kind].values
    ]
    targets = {
        (kind, name): tf.constant(evidence[kind].values[name], tf.float32) for kind, name in seen
    }
    weights = {
        (kind, name): tf.constant(_weights(lattice, evidence[kind], name), tf.float32)
        for kind, name in seen
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

    ascent = Ascent(loss, model.shapes)
    effects = ascent.climb(rates(plan.settings.steps, plan.settings.learning_rate))
    densities = model.densities(effects)
    expected = {
        kind: {
            name: table.numpy()
            for name, table in model.expected(densities[kind], numbers[kind]).items()
        }
        for kind in KINDS
    }
    both = {name: sum(expected[kind][name] for kind in KINDS) for name in _FITTED_TOGETHER}
    together = pooled(evidence)
    doubt = doubtful(lattice, together, both)
    cells, hours = {}, {}
    for kind in KINDS:
        kept = densities[kind].cells.numpy().astype(np.float64) * doubt
        cells[kind] = kept / kept.sum()
        law = densities[kind].hours.numpy()
        hours[kind] = hours_of_day(evidence[kind], law, expected[kind]["block_hours"])
    return EndsField(
        lattice=lattice,
        starts=plan.starts,
        ends=plan.ends,
        start_cells=cells["start"],
        end_cells=cells["end"],
        start_hours=hours["start"],
        end_hours=hours["end"],
        parts=fitted_parts(lattice, together, both["ends"].reshape(-1, CELLS)),
    )


def _weights(lattice: Lattice, evidence: Evidence, name: str) -> Floats:
    """Inverse variances; cells that the public area rules out say nothing."""
    weights = evidence.stddev[name] ** -2.0
    if name == "ends":
        weights[(lattice.cover == 0).all(axis=2).ravel()] = 0
    return weights
