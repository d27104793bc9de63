"""The densities of starts and of ends over cells and hours, in TensorFlow.

A start lies in cell c at hour h with a probability proportional to

    exp(base(c) + difference(c)) p(h | block(c)),

an end with one proportional to exp(base(c) - difference(c)) q(h | block(c)): where rides begin is
much like where they end, for a vehicle that is left somewhere is taken from there. Hours too are
what both share, plus and minus a difference. Every effect is a standard normal variable times the
standard deviation that the prior gives it.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tasks.synthesis.grid import HOURS
from tasks.synthesis.trip_ends.settings import EndsPrior
from tasks.synthesis.trip_field.lattice import Lattice
from tasks.synthesis.trip_field.popularity import (
    Effects,
    hour_effects,
    hours_of,
    log_cover,
    place_shapes,
    places,
)


@dataclass(frozen=True)
class Density:
    """The density of one kind.

    Attributes:
        cells: Probability of each cell, shape (blocks, CELLS).
        hours: Probability of each hour in each block, shape (blocks, 24).
    """

    cells: tf.Tensor
    hours: tf.Tensor


class EndsModel:
    """The model over a lattice.

    Args:
        lattice: The public lattice.
        prior: Standard deviations of the effects.
    """

    def __init__(self, lattice: Lattice, prior: EndsPrior) -> None:
        self.lattice = lattice
        self.prior = prior
        self._log_cover = log_cover(lattice)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every effect by name."""
        return {
            **place_shapes(self.lattice),
            "hours_difference": (HOURS,),
            "block_hours_difference": (self.lattice.blocks, HOURS),
        }

    def densities(self, effects: Effects) -> dict[str, Density]:
        """The densities of both kinds that effects give."""
        prior = self.prior
        base, difference = places(self.lattice, prior.places, effects)
        hours = hour_effects(self.lattice, prior.places, effects)
        hours_difference = (
            prior.hours_difference * effects["hours_difference"]
            + prior.block_hours_difference * effects["block_hours_difference"]
        )
        return {
            kind: Density(
                cells=_softmax(base + sign * difference + self._log_cover),
                hours=hours_of(hours + sign * hours_difference),
            )
            for kind, sign in (("start", 1), ("end", -1))
        }

    def expected(self, density: Density, number: int) -> dict[str, tf.Tensor]:
        """The expected counts of one kind by table, flat; those of parts are not among them.

        Tables have the names of `trip_field`.
        """
        cells = density.cells * number
        blocks = tf.reduce_sum(cells, 1)
        hours = blocks[:, None] * density.hours
        area_hours = tf.math.segment_sum(hours, self.lattice.area.astype(np.int32))
        tables = {
            "ends": cells,
            "block_ends": blocks,
            "block_hours": hours,
            "area_hours": area_hours,
            "hours": tf.reduce_sum(area_hours, 0),
        }
        return {name: tf.reshape(table, [-1]) for name, table in tables.items()}


def _softmax(logarithm: tf.Tensor) -> tf.Tensor:
    """Over all cells together."""
    return tf.reshape(tf.nn.softmax(tf.reshape(logarithm, [-1])), tf.shape(logarithm))
