"""The fit: the most probable field given the counts, their known errors and the prior.

It reads only what was measured, today and before, so it costs no privacy and may be repeated. Two
fits of the same counts differ by the rounding of float32 sums on several threads, and by nothing
else.
"""

from dataclasses import replace

import numpy as np
import tensorflow as tf

from tasks.synthesis.grid import BINS_PER_OCTAVE, HOURS
from tasks.synthesis.trip_field.ascent import Ascent, rates
from tasks.synthesis.trip_field.doubt import LEFT
from tasks.synthesis.trip_field.evidence import Evidence
from tasks.synthesis.trip_field.field import Field
from tasks.synthesis.trip_field.kernel import SECTORS
from tasks.synthesis.trip_field.lattice import CELLS, Floats, Lattice
from tasks.synthesis.trip_field.measurements import Plan
from tasks.synthesis.trip_field.model import FieldModel
from tasks.synthesis.trip_field.parts import part_shares
from tasks.synthesis.trip_field.popularity import HOUR_ROOT
from tasks.synthesis.trip_field.posterior import DRAWS, Posterior
from tasks.synthesis.trip_field.sampling import sample
from tasks.synthesis.trip_field.spread import Spread
from tasks.synthesis.trip_field.tables import offset_m

_VISITED = 0.5
"""Cells with fewer expected ends keep uniform parts."""
_MISFIT = 0.5
"""How far off, as a share, the fitted distances may be: the fit sees cells, not their parts."""
_CALIBRATIONS, _DRAWN, _SLIGHT = 3, 50_000, 1e-4
_PARTS = ("quarters", "sixteenths")


def fit(plan: Plan, evidence: Evidence) -> Field:
    """Fit a field to what is known of a day.

    Args:
        plan: What was measured, on which lattice.
        evidence: The counts: as measured, or with what earlier days say about them.
    """
    return field_of(Posterior(plan, evidence))


def fit_with_spread(plan: Plan, evidence: Evidence, draws: int = DRAWS) -> tuple[Field, Spread]:
    """The same, and how far the field might be off by noise alone.

    Args:
        plan: What was measured, on which lattice.
        evidence: The counts: as measured, or with what earlier days say about them.
        draws: Number of draws from what the field may be, >= 2.
    """
    posterior = Posterior(plan, evidence)
    return field_of(posterior), posterior.spread(draws)


def field_of(posterior: Posterior) -> Field:
    """The field of the most probable effects."""
    plan, evidence, tables = posterior.plan, posterior.evidence, posterior.expected
    factors = posterior.factors
    field = Field(
        lattice=plan.lattice,
        rows=plan.rows,
        origin=factors.origin.numpy(),
        attraction=factors.attraction.numpy(),
        pair=factors.pair.numpy(),
        bins=factors.bins.numpy(),
        local=factors.bins.numpy(),
        hours=hours_of_day(evidence, factors.hours.numpy(), tables["block_hours"]),
        tilt=_tilt(plan, evidence, posterior.model, tables),
        parts=fitted_parts(
            plan.lattice,
            evidence,
            (tables["origins"] + tables["destinations"]).reshape(-1, CELLS),
        ),
    )
    return _calibrated(field, _distances(evidence, tables["distances"]))


def _distances(evidence: Evidence, fitted: Floats) -> Floats:
    """Trips by distance: what was measured, held to the fit where noise is larger than trust."""
    if "distances" not in evidence.values:
        return fitted
    values, stddev = evidence.values["distances"], evidence.stddev["distances"]
    trust = stddev**2 / (stddev**2 + (_MISFIT * fitted) ** 2)
    return np.maximum(trust * fitted + (1 - trust) * values, 0)


def hours_of_day(evidence: Evidence, law: Floats, expected: Floats) -> Floats:
    """Hours by block: the law that was fitted, and what is known of the day beyond it.

    A day is one draw of its law: a block's hour differs from what is expected by about the square
    root of it, and where errors are smaller than that, what was measured says by how much.
    """
    if "block_hours" not in evidence.values:
        return law
    values, stddev = evidence.values["block_hours"], evidence.stddev["block_hours"]
    known = expected / (expected + np.square(stddev))
    day = np.maximum(expected + known * (values - expected), LEFT * expected).reshape(law.shape)
    whole = day.sum(axis=1, keepdims=True)
    return np.asarray(np.where(whole > _VISITED, day / np.maximum(whole, 1e-6), law), np.float32)


def _calibrated(field: Field, distances: Floats) -> Field:
    """The field with the fitted distances once its cells have parts.

    The fit takes ends as uniform in their cells. Where they crowd in a few parts of them, trips
    come out shorter or longer than fitted; so the bins between parts are scaled by what draws from
    the field show. The draws have a seed of their own, which no secret depends on.
    """
    bins = field.displacements
    wanted = distances / distances.sum()
    for _ in range(_CALIBRATIONS):
        drawn = field.lattice.encode(sample(field, _DRAWN, np.random.default_rng(0)))
        area = field.lattice.area[drawn.origin]
        ring = bins.bin_of(*offset_m(field.lattice, area, drawn.degrees)) // SECTORS
        found = np.bincount(ring, minlength=bins.distances) / len(ring)
        ratio = np.clip((wanted + _SLIGHT) / (found + _SLIGHT), 0.5, 2)
        scaled = field.local * np.repeat(ratio, SECTORS)
        field = replace(field, local=scaled / scaled.sum(axis=1, keepdims=True))
    return field


def _tilt(plan: Plan, evidence: Evidence, model: FieldModel, expected: dict[str, Floats]) -> Floats:
    """By how much hours are likelier at each octave of distance, shape (areas, octaves, 24).

    Scaled to leave every area's hours and distances as they are.
    """
    bins, areas = model.bins, len(plan.lattice.boxes)
    if "hour_octaves" not in evidence.values:
        return np.ones((areas, bins.octaves, HOURS), np.float32)
    target, stddev = (
        tf.constant(table["hour_octaves"].reshape(areas, HOURS, bins.octaves), tf.float32)
        for table in (evidence.values, evidence.stddev)
    )
    hours = expected["area_hours"].reshape(areas, HOURS)
    distances = expected["area_distances"].reshape(areas, -1)
    octaves = np.add.reduceat(distances, np.arange(0, bins.distances, BINS_PER_OCTAVE), axis=1)
    base = hours[:, :, None] * octaves[:, None, :]
    base /= np.maximum(hours.sum(axis=1), 1e-6)[:, None, None]
    prior = plan.settings.prior

    def tilted(effects: dict[str, tf.Tensor]) -> tf.Tensor:
        rough = (
            prior.hour_octave * effects["hour_octave"]
            + prior.area_hour_octave * effects["area_hour_octave"]
        )
        table = base * tf.exp(tf.einsum("hk,ako->aho", HOUR_ROOT, rough))
        for axis in (2, 1) * 4:
            wanted = base.sum(axis=axis, keepdims=True)
            table *= wanted / (tf.reduce_sum(table, axis, keepdims=True) + 1e-6)
        return table

    ascent = Ascent(
        lambda effects: tf.reduce_sum(((tilted(effects) - target) / stddev) ** 2) / 2,
        {
            "hour_octave": (HOURS, bins.octaves),
            "area_hour_octave": (areas, HOURS, bins.octaves),
        },
    )
    effects = ascent.climb(rates(plan.settings.steps // 2, plan.settings.learning_rate))
    tilt = (tilted(effects).numpy() + 1e-6) / (base + 1e-6)
    return np.asarray(tilt.transpose(0, 2, 1), np.float32)


def fitted_parts(lattice: Lattice, evidence: Evidence, ends: Floats) -> Floats:
    """How the ends in each cell divide over its parts, shape (blocks, CELLS, PARTS)."""
    cover = lattice.cover
    with np.errstate(divide="ignore", invalid="ignore"):
        uniform = cover / cover.sum(axis=2, keepdims=True)
    parts = np.where(np.isnan(uniform), 0, uniform)
    visited = (ends > _VISITED) & (cover.sum(axis=2) > 0)
    values, stddev = (
        {name: table[name].reshape(*ends.shape, -1)[visited] for name in _PARTS if name in table}
        for table in (evidence.values, evidence.stddev)
    )
    seen = {name: (values[name], stddev[name]) for name in values}
    parts[visited] = part_shares(cover[visited], ends[visited], seen)
    return np.asarray(parts, np.float32)
