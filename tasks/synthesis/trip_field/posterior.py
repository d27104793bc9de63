"""What a field may be, given the counts: its most probable effects, and draws around them."""

from dataclasses import replace

import numpy as np
import tensorflow as tf

from tasks.synthesis.trip_field.ascent import Ascent, Effects, rates
from tasks.synthesis.trip_field.doubt import doubtful
from tasks.synthesis.trip_field.evidence import Evidence
from tasks.synthesis.trip_field.lattice import Floats
from tasks.synthesis.trip_field.measurements import Plan
from tasks.synthesis.trip_field.model import Factors, FieldModel
from tasks.synthesis.trip_field.spread import Spread

DRAWS = 10
"""Draws from the posterior distribution."""
_STEPS = 40
"""Steps to each of them."""
_MOST = 10.0
"""Draws differ from the fit by at most this factor's logarithm."""
_TINY = 1e-37

_FITTED_TOGETHER = (
    "ends",
    "block_ends",
    "origins",
    "block_hours",
    "area_hours",
    "hours",
    "flows",
    "area_distances",
    "distances",
    "bearings",
)


class Posterior:
    """The density of effects given the counts.

    Args:
        plan: What was measured, on which lattice.
        evidence: The counts: as measured, or with what earlier days say about them.

    Attributes:
        plan: As given.
        evidence: As given.
        model: Makes expected counts of effects.
        expected: The expected counts of the most probable effects, by table.
        factors: Their factors, less what may be noise alone (`doubt`).
    """

    def __init__(self, plan: Plan, evidence: Evidence) -> None:
        self.plan, self.evidence = plan, evidence
        self.model = model = FieldModel(plan.lattice, plan.settings.prior)
        self._names = names = [name for name in evidence.values if name in _FITTED_TOGETHER]
        weights = {name: tf.constant(_weights(model, evidence, name), tf.float32) for name in names}
        self._targets = targets = {
            name: tf.Variable(evidence.values[name], dtype=tf.float32) for name in names
        }

        def loss(effects: Effects) -> tf.Tensor:
            expected = model.expected(model.factors(effects), plan.rows)
            return tf.add_n(
                [
                    tf.reduce_sum(weights[name] * (expected[name] - targets[name]) ** 2) / 2
                    for name in names
                ]
            )

        self._ascent = Ascent(loss, model.shapes)
        self._peak = self._ascent.climb(rates(plan.settings.steps, plan.settings.learning_rate))
        self.expected, self.factors = self._kept(self._peak)

    def spread(self, draws: int) -> Spread:
        """Draws from the density of effects, by climbing again.

        What is climbed are the counts with their noise added once more, under a prior whose mean
        is a draw from it: where expected counts are linear in the effects, the peaks are exact
        draws (J. M. Bardsley, A. Solonen, H. Haario, M. Laine, "Randomize-Then-Optimize", 2014).
        Of each draw what may be noise alone is left out as it is of the fit (`doubt`): a place that
        the fit counts as empty is not so in all of them. The draws have a seed of their own, which
        no secret depends on.

        Args:
            draws: Number of draws, >= 2.
        """
        generator, settings = np.random.default_rng(0), self.plan.settings
        values, stddev = self.evidence.values, self.evidence.stddev
        steps = [settings.learning_rate] * min(_STEPS, settings.steps)
        peak = {name: effect.numpy() for name, effect in self._peak.items()}
        drawn = []
        for draw in range(draws):
            for name, target in self._targets.items():
                target.assign(values[name] + generator.normal(0, stddev[name]))
            centre = {
                name: generator.normal(size=effect.shape).astype(np.float32)
                for name, effect in peak.items()
            }
            effects = self._ascent.climb(steps, peak, centre, is_known=draw > 0)
            drawn.append(self._logarithms(self._kept(effects)[1]))
        ratios = {
            name: np.stack([np.clip(each[name] - fitted, -_MOST, _MOST) for each in drawn])
            for name, fitted in self._logarithms(self.factors).items()
        }
        kept = Evidence(
            {name: values[name] for name in self._names},
            {name: stddev[name] for name in self._names},
        )
        return Spread(self.plan.lattice, kept, settings.prior, **ratios)

    def _kept(self, effects: Effects) -> tuple[dict[str, Floats], Factors]:
        """The expected counts of effects, and their factors less what may be noise alone."""
        factors = self.model.factors(effects)
        tables = self.model.expected(factors, self.plan.rows)
        expected = {name: table.numpy() for name, table in tables.items()}
        doubt = doubtful(self.plan.lattice, self.evidence, expected)
        origin, attraction = factors.origin * doubt, factors.attraction * doubt
        return expected, replace(factors, origin=origin, attraction=attraction)

    def _logarithms(self, factors: Factors) -> dict[str, Floats]:
        """Logarithms of factors whose product is an expected number of trips."""
        made = {
            name: np.log(np.maximum(getattr(factors, name).numpy(), _TINY))
            for name in ("origin", "attraction", "pair", "bins", "hours")
        }
        made["origin"] = made["origin"] - np.log(float(self.model.total(factors)))
        return made


def _weights(model: FieldModel, evidence: Evidence, name: str) -> Floats:
    """Inverse variances; cells that the public area rules out say nothing."""
    weights = evidence.stddev[name] ** -2.0
    if name in ("ends", "origins"):
        weights[(model.lattice.cover == 0).all(axis=2).ravel()] = 0
    return weights
