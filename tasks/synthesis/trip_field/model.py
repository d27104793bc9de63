"""The density over cells, in TensorFlow: from effects to the expected value of every count.

A trip from cell o to cell d at hour h has a probability proportional to

    B(o) K(d - o) A(d) R(block(o), block(d)) p(h | block(o)).

B and A are exponentials of a base, which they share, plus and minus a difference; K is a mixture
over bins of displacements (`kernel`); R acts on pairs of near blocks. Blocks beyond those are
reached too, with the kernel between blocks. Every effect is a standard normal variable times the
standard deviation that the prior gives it. Nothing is random here, and every expected count is
exact: pairs of near blocks are products of 25 x 25 matrices, all others convolutions over blocks.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.synthesis.grid import HOURS
from tasks.synthesis.trip_field.geometry import CELL_OFFSET, CELL_OFFSETS, Zone, zones
from tasks.synthesis.trip_field.kernel import SECTORS
from tasks.synthesis.trip_field.lattice import (
    CELLS,
    FAR,
    NEAR,
    REACH,
    SIDE,
    Floats,
    Integers,
    Lattice,
)
from tasks.synthesis.trip_field.settings import Prior
from tasks.synthesis.trip_field.tables import displacements

_HERE = NEAR // 2
"""The near offset from a block to itself."""
_TINY = 1e-30
_HOUR_WIDTH = 2.0

Effects = dict[str, tf.Tensor]


@dataclass(frozen=True)
class Factors:
    """The factors of the density, on any scale.

    Attributes:
        origin: B, shape (blocks, CELLS).
        attraction: A, shape (blocks, CELLS).
        pair: R, and 1 for far pairs times their effect, shape (FAR + 1, blocks).
        bins: Probability of each bin of displacements, shape (bins,).
        hours: Probability of each hour in each block, shape (blocks, 24).
    """

    origin: tf.Tensor
    attraction: tf.Tensor
    pair: tf.Tensor
    bins: tf.Tensor
    hours: tf.Tensor


class FieldModel:
    """The model over a lattice.

    Args:
        lattice: The public lattice.
        prior: Standard deviations of the effects.
    """

    def __init__(self, lattice: Lattice, prior: Prior) -> None:
        self.lattice = lattice
        self.prior = prior
        self.bins = displacements(lattice)
        self._parts = [_ZonePart(lattice, zone) for zone in zones(lattice)]
        with np.errstate(divide="ignore"):
            log_cover = np.log(lattice.cover.mean(axis=2))
        self._log_cover = tf.constant(np.maximum(log_cover, -50), tf.float32)

    @cached_property
    def _squares(self) -> NDArray[np.int32]:
        """Index of the 2 x 2 square of every cell, shape (blocks, CELLS)."""
        lattice = self.lattice
        first = lattice.block_ranges[lattice.area][:, ::2] + lattice.position
        cell = np.stack(np.divmod(np.arange(CELLS), SIDE), axis=1)
        square = (first[:, None] * SIDE + cell[None]) // 2
        area = np.broadcast_to(lattice.area[:, None, None], (*square.shape[:2], 1))
        key = np.concatenate([area, square], axis=2).reshape(-1, 3)
        _, index = np.unique(key, axis=0, return_inverse=True)
        return np.asarray(index.reshape(-1, CELLS), np.int32)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every effect by name."""
        blocks, areas = self.lattice.blocks, len(self.lattice.boxes)
        return {
            "area": (areas,),
            "block": (blocks,),
            "square": (int(self._squares.max()) + 1,),
            "cell": (blocks, CELLS),
            "block_difference": (blocks,),
            "cell_difference": (blocks, CELLS),
            "pair": (FAR + 1, blocks),
            "distance": (self.bins.distances,),
            "bearing": (int(self.bins.octave[-1]) + 1, SECTORS),
            "hours": (HOURS,),
            "area_hours": (areas, HOURS),
            "block_hours": (blocks, HOURS),
        }

    def factors(self, effects: Effects) -> Factors:
        """The factors that effects give."""
        prior, area = self.prior, self.lattice.area
        block = prior.area * tf.gather(effects["area"], area) + prior.block * effects["block"]
        base = (
            block[:, None]
            + prior.square * tf.gather(effects["square"], self._squares)
            + prior.cell * effects["cell"]
            + self._log_cover
        )
        difference = (
            prior.block_difference * effects["block_difference"][:, None]
            + prior.cell_difference * effects["cell_difference"]
        )
        distance = prior.distance * tf.cumsum(effects["distance"])
        bearing = prior.bearing * tf.gather(effects["bearing"], self.bins.octave)
        hours = (
            effects["hours"]
            + prior.area_hours * tf.gather(effects["area_hours"], area)
            + prior.block_hours * effects["block_hours"]
        )
        return Factors(
            origin=_exponential(base + difference),
            attraction=_exponential(base - difference),
            pair=tf.exp(prior.pair * effects["pair"]),
            bins=tf.nn.softmax(tf.reshape(distance[:, None] + bearing, [-1])),
            hours=tf.nn.softmax(tf.matmul(hours, _HOUR_ROOT, transpose_b=True)),
        )

    def expected(self, factors: Factors, rows: float) -> dict[str, tf.Tensor]:
        """The expected counts of every table but those of parts, for a number of trips.

        Returns:
            By table a tensor of its cells, flat.
        """
        blocks = self.lattice.blocks
        out, within = [], []
        attracted = tf.zeros((blocks, CELLS))
        histogram = tf.zeros_like(factors.bins)
        for part in self._parts:
            flows, here, arriving, landed = part.flows(factors)
            out.append(flows)
            within.append(here)
            attracted += arriving
            histogram += landed
        order = np.argsort(np.concatenate([part.blocks for part in self._parts]))
        flows = tf.gather(tf.concat(out, 1), order, axis=1)  # (FAR + 1, blocks, CELLS)
        here = tf.gather(tf.concat(within, 0), order)
        scale = rows / (tf.reduce_sum(flows) + _TINY)
        origins = tf.reduce_sum(flows, 0) * scale
        rings = tf.reshape(histogram * scale, [-1, SECTORS])
        hours = tf.reduce_sum(origins, 1)[:, None] * factors.hours
        return {
            "ends": tf.reshape(origins + (attracted - here) * scale, [-1]),
            "origins": tf.reshape(origins, [-1]),
            "destinations": tf.reshape(attracted * scale, [-1]),
            "hours": tf.reshape(hours, [-1]),
            "flows": tf.reshape(tf.transpose(tf.reduce_sum(flows, 2)) * scale, [-1]),
            "distances": tf.reduce_sum(rings, 1),
            "bearings": tf.reshape(
                tf.math.segment_sum(rings, self.bins.octave.astype(np.int32)), [-1]
            ),
        }


class _ZonePart:
    """What one zone adds to the expected counts."""

    def __init__(self, lattice: Lattice, zone: Zone) -> None:
        bins = displacements(lattice)
        self.blocks = zone.blocks
        self._all = lattice.blocks
        self._neighbours = lattice.neighbours[:, zone.blocks]
        self._near = tf.constant(zone.near(lattice, bins), tf.float32)
        self._map = zone.map
        far = np.asarray(zone.far(lattice, bins), np.float32)
        self._far = tf.constant(far.reshape(bins.bins, -1))
        rows, columns = zone.shape
        size = zone.map.shape[1:]
        home = np.full(lattice.blocks, -1)
        inside = zone.map.ravel() < lattice.blocks
        home[zone.map.ravel()[inside]] = np.flatnonzero(inside)
        self._home = home[zone.blocks]
        self._has_far = rows > REACH + 1 or columns > REACH + 1
        self._size = size

    def flows(self, factors: Factors) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Unscaled flows.

        Returns:
            By offset and origin's cell (FAR + 1, n, CELLS); within each cell (n, CELLS); by
            destination's cell (blocks, CELLS); by bin of displacements (bins,).
        """
        kernel = tf.gather(
            tf.linalg.matvec(self._near, factors.bins, transpose_a=True), CELL_OFFSET
        )
        padded = tf.pad(factors.attraction, [[0, 1], [0, 0]])
        attraction = tf.gather(padded, self._neighbours)  # (NEAR, n, CELLS)
        origin = tf.gather(factors.origin, self.blocks)
        pair = tf.gather(factors.pair, self.blocks, axis=1)
        leaving = origin[None] * pair[:NEAR, :, None]
        near = leaving * tf.matmul(attraction, kernel, transpose_b=True)
        here = (
            leaving[_HERE]
            * tf.gather(factors.attraction, self.blocks)
            * tf.linalg.diag_part(kernel[_HERE])
        )
        arriving = tf.math.unsorted_segment_sum(
            tf.matmul(leaving, kernel), self._neighbours, self._all + 1
        )
        offsets = tf.math.unsorted_segment_sum(
            tf.reshape(tf.matmul(leaving, attraction, transpose_a=True), [-1]),
            CELL_OFFSET.ravel(),
            CELL_OFFSETS**2,
        )
        landed = factors.bins * tf.linalg.matvec(self._near, offsets)
        arriving = arriving[:-1] * factors.attraction
        if not self._has_far:
            far = tf.zeros_like(near[:1])
            return tf.concat([near, far], 0), here, arriving, landed
        far, far_arriving, far_landed = self._far_flows(factors, origin, pair[FAR])
        return (
            tf.concat([near, far[None]], 0),
            here,
            arriving + far_arriving,
            landed + far_landed,
        )

    def _far_flows(
        self, factors: Factors, origin: tf.Tensor, pair: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The same for pairs of far blocks, by convolution over the map of blocks."""
        kernel = tf.reshape(tf.linalg.matvec(self._far, factors.bins, transpose_a=True), self._size)
        leaving = origin * pair[:, None]
        from_blocks = self._on_map(tf.reduce_sum(leaving, 1), self.blocks)
        to_blocks = self._on_map(
            tf.reduce_sum(tf.gather(factors.attraction, self.blocks), 1), self.blocks
        )
        waves = tf.signal.rfft2d(kernel)
        from_waves, to_waves = tf.signal.rfft2d(from_blocks), tf.signal.rfft2d(to_blocks)
        reached = self._from_map(tf.math.conj(waves) * to_waves)
        received = self._from_map(waves * from_waves)
        offsets = tf.signal.irfft2d(tf.math.conj(from_waves) * to_waves, self._size)
        landed = tf.linalg.matvec(self._far, tf.reshape(tf.reduce_sum(offsets, 0), [-1]))
        arriving = tf.scatter_nd(self.blocks[:, None], received, [self._all])
        return (
            leaving * reached[:, None],
            factors.attraction * arriving[:, None],
            factors.bins * tf.maximum(landed, 0.0),
        )

    def _on_map(self, values: tf.Tensor, blocks: Integers) -> tf.Tensor:
        """Values of blocks at their rows and columns, shape (areas, rows, columns)."""
        spread = tf.scatter_nd(self._home[:, None], values, [self._map.size])
        return tf.reshape(spread, self._map.shape)

    def _from_map(self, waves: tf.Tensor) -> tf.Tensor:
        flat = tf.reshape(tf.signal.irfft2d(waves, self._size), [-1])
        return tf.maximum(tf.gather(flat, self._home), 0.0)


def _exponential(logarithm: tf.Tensor) -> tf.Tensor:
    return tf.exp(logarithm - tf.reduce_max(logarithm))


def _hour_root() -> Floats:
    """A root of the covariance of a smooth circular function of the hour, shape (24, 24)."""
    gap = np.abs(np.subtract.outer(np.arange(HOURS), np.arange(HOURS)))
    gap = np.minimum(gap, HOURS - gap)
    covariance = np.exp(-(gap**2) / (2 * _HOUR_WIDTH**2)) + 1e-4 * np.eye(HOURS)
    return np.asarray(np.linalg.cholesky(covariance), np.float32)


_HOUR_ROOT = _hour_root()
