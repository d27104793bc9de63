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

from tasks.synthesis.trip_field.geometry import CELL_OFFSET, CELL_OFFSETS, Zone, zones
from tasks.synthesis.trip_field.kernel import SECTORS, Displacements
from tasks.synthesis.trip_field.lattice import (
    FAR,
    NEAR,
    REACH,
    Lattice,
)
from tasks.synthesis.trip_field.popularity import (
    hour_effects,
    hours_of,
    log_cover,
    place_shapes,
    places,
)
from tasks.synthesis.trip_field.settings import Prior
from tasks.synthesis.trip_field.tables import displacements

_HERE = NEAR // 2
"""The near offset from a block to itself."""
_TINY = 1e-30
_USUAL_M, _USUAL_WIDTH = 1500.0, 1.2
"""Lengths before anything is measured: lognormal, two thirds of them from 450 m to 5 km."""

Effects = dict[str, tf.Tensor]


@dataclass(frozen=True)
class Factors:
    """The factors of the density, on any scale.

    Attributes:
        origin: B, shape (blocks, CELLS).
        attraction: A, shape (blocks, CELLS).
        pair: R, and 1 for far pairs times their effect, shape (FAR + 1, blocks).
        bins: Probability of each bin of displacements in each area, shape (areas, bins).
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
        tables: dict[float, tf.Tensor] = {}
        for zone in zones(lattice):
            if zone.aspect not in tables:
                tables[zone.aspect] = tf.constant(zone.near(lattice, self.bins), tf.float32)
        self._zones = [
            _ZoneModel(lattice, self.bins, zone, tables[zone.aspect]) for zone in zones(lattice)
        ]
        middle = np.sqrt(self.bins.edges[:-1] * self.bins.edges[1:])
        usual = -((np.log(middle / _USUAL_M) / _USUAL_WIDTH) ** 2) / 2
        self._usual = tf.constant(usual, tf.float32)
        self._log_cover = log_cover(lattice)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every effect by name."""
        blocks, areas = self.lattice.blocks, len(self.lattice.boxes)
        return {
            **place_shapes(self.lattice),
            "pair": (FAR + 1, blocks),
            "distance": (self.bins.distances,),
            "bearing": (self.bins.octaves, SECTORS),
            "area_octave": (areas, self.bins.octaves),
        }

    def factors(self, effects: Effects) -> Factors:
        """The factors that effects give."""
        prior = self.prior
        base, difference = places(self.lattice, prior, effects)
        base += self._log_cover
        octave = self.bins.octave
        bearing = prior.bearing * tf.gather(effects["bearing"], octave)
        distance = self._usual + prior.distance * tf.cumsum(effects["distance"])
        distance += prior.area_octave * tf.gather(effects["area_octave"], octave, axis=1)
        bins = tf.reshape(distance[:, :, None] + bearing, [len(self.lattice.boxes), -1])
        return Factors(
            origin=_exponential(base + difference),
            attraction=_exponential(base - difference),
            pair=tf.exp(prior.pair * effects["pair"]),
            bins=tf.nn.softmax(bins),
            hours=hours_of(hour_effects(self.lattice, prior, effects)),
        )

    def total(self, factors: Factors) -> tf.Tensor:
        """The sum of all products of factors."""
        parts = [zone.flows(factors, factors.bins[area]) for area, zone in enumerate(self._zones)]
        return tf.add_n([tf.reduce_sum(part[0]) for part in parts])

    def expected(self, factors: Factors, rows: float) -> dict[str, tf.Tensor]:
        """The expected counts of every table but those of parts, for a number of trips.

        Returns:
            By table a tensor of its cells, flat.
        """
        lattice, areas = self.lattice, len(self.lattice.boxes)
        parts = [zone.flows(factors, factors.bins[area]) for area, zone in enumerate(self._zones)]
        flows = tf.concat([part[0] for part in parts], 1)  # (FAR + 1, blocks, CELLS)
        within = tf.concat([part[1] for part in parts], 0)
        scale = rows / (tf.reduce_sum(flows) + _TINY)
        origins = tf.reduce_sum(flows, 0) * scale
        destinations = tf.concat([part[2] for part in parts], 0) * scale
        bins = tf.stack([part[3] for part in parts]) * scale
        rings = tf.reshape(bins, [areas, -1, SECTORS])
        octaves = tf.math.segment_sum(tf.reduce_sum(rings, 0), self.bins.octave.astype(np.int32))
        hours = tf.reduce_sum(origins, 1)[:, None] * factors.hours
        area_hours = tf.math.segment_sum(hours, lattice.area.astype(np.int32))
        flows_by_block = tf.reduce_sum(flows, 2) * scale
        block_ends = tf.reduce_sum(origins + destinations, 1) - flows_by_block[_HERE]
        tables = {
            "ends": origins + destinations - within * scale,
            "block_ends": block_ends,
            "origins": origins,
            "destinations": destinations,
            "block_hours": hours,
            "area_hours": area_hours,
            "hours": tf.reduce_sum(area_hours, 0),
            "flows": tf.transpose(flows_by_block),
            "area_distances": tf.reduce_sum(rings, 2),
            "distances": tf.reduce_sum(rings, [0, 2]),
            "bearings": octaves,
        }
        return {name: tf.reshape(table, [-1]) for name, table in tables.items()}


class _ZoneModel:
    """What one service area adds to the expected counts."""

    def __init__(self, lattice: Lattice, bins: Displacements, zone: Zone, near: tf.Tensor) -> None:
        self._zone = zone
        self._first, self._last = int(zone.blocks[0]), int(zone.blocks[-1]) + 1
        neighbours = lattice.neighbours[:, zone.blocks]
        self._neighbours = np.where(
            neighbours < lattice.blocks, neighbours - self._first, len(zone.blocks)
        )
        self._near = near
        self._far = None
        if max(zone.shape) > REACH + 1:
            far = zone.far(lattice, bins).reshape(bins.bins, -1)
            self._far = tf.constant(far, tf.float32)

    def flows(
        self, factors: Factors, bins: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Unscaled flows.

        Returns:
            By offset and origin's cell (FAR + 1, n, CELLS); within each cell (n, CELLS); by
            destination's cell (n, CELLS); by bin of displacements (bins,).
        """
        kernel = tf.gather(tf.linalg.matvec(self._near, bins, transpose_a=True), CELL_OFFSET)
        attraction = factors.attraction[self._first : self._last]
        origin = factors.origin[self._first : self._last]
        pair = factors.pair[:, self._first : self._last]
        around = tf.gather(tf.pad(attraction, [[0, 1], [0, 0]]), self._neighbours)
        leaving = origin * pair[:NEAR, :, None]
        near = leaving * tf.matmul(around, kernel, transpose_b=True)
        within = leaving[_HERE] * attraction * tf.linalg.diag_part(kernel[_HERE])
        arriving = tf.math.unsorted_segment_sum(
            tf.matmul(leaving, kernel), self._neighbours, len(attraction) + 1
        )
        offsets = tf.math.unsorted_segment_sum(
            tf.reshape(tf.matmul(leaving, around, transpose_a=True), [-1]),
            CELL_OFFSET.ravel(),
            CELL_OFFSETS**2,
        )
        landed = tf.linalg.matvec(self._near, offsets)
        reached, received = tf.zeros_like(origin[:, 0]), tf.zeros_like(origin[:, 0])
        if self._far is not None:
            from_blocks = tf.reduce_sum(origin, 1) * pair[FAR]
            to_blocks = tf.reduce_sum(attraction, 1)
            reached, received, far_landed = self._convolved(from_blocks, to_blocks, bins)
            landed += far_landed
        far = origin * (pair[FAR] * reached)[:, None]
        return (
            tf.concat([near, far[None]], 0),
            within,
            (arriving[:-1] + received[:, None]) * attraction,
            landed * bins,
        )

    def _convolved(
        self, from_blocks: tf.Tensor, to_blocks: tf.Tensor, bins: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Far pairs of blocks: what each block reaches, receives, and the offsets by bin."""
        size = self._zone.map.shape
        kernel = tf.reshape(tf.linalg.matvec(self._far, bins, transpose_a=True), size)
        waves = tf.signal.rfft2d(kernel)
        from_waves = tf.signal.rfft2d(self._on_map(from_blocks))
        to_waves = tf.signal.rfft2d(self._on_map(to_blocks))
        offsets = tf.signal.irfft2d(tf.math.conj(from_waves) * to_waves, size)
        landed = tf.linalg.matvec(self._far, tf.reshape(tf.maximum(offsets, 0.0), [-1]))
        return (
            self._from_map(tf.signal.irfft2d(tf.math.conj(waves) * to_waves, size)),
            self._from_map(tf.signal.irfft2d(waves * from_waves, size)),
            landed,
        )

    def _on_map(self, values: tf.Tensor) -> tf.Tensor:
        """Values of blocks at their rows and columns, shape (rows, columns) of the map."""
        rows, columns = self._zone.shape
        more = [
            [0, whole - part]
            for whole, part in zip(self._zone.map.shape, (rows, columns), strict=True)
        ]
        return tf.pad(tf.reshape(values, [rows, columns]), more)

    def _from_map(self, values: tf.Tensor) -> tf.Tensor:
        rows, columns = self._zone.shape
        return tf.maximum(tf.reshape(values[:rows, :columns], [-1]), 0.0)


def _exponential(logarithm: tf.Tensor) -> tf.Tensor:
    return tf.exp(logarithm - tf.reduce_max(logarithm))
