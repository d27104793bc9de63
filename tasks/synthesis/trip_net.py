"""`trip_net`: a small autoregressive network over the grid's tokens.

One head per token gives the logits of its value from the tokens before it: an affine map of
one-hot features of earlier tokens or, for the distance, of a hidden layer over them. A feature's
scale is its public prior: a hot entry of 0.1 moves logits, and carries noise into them, ten times
less than one of 1. The scales and the settings' defaults were chosen on simulated trips.

Distances and bearings are predicted beyond what the origins' map says of the places they lead to
(`attraction`). That map is made of the weights themselves, which are noised iterates, so it costs
nothing; no gradient goes through it.

Every output layer starts at zero, so that before training hours and cells are uniform, and
distances (on the logarithmic scale) and bearings too, as far as they stay in the box; the first
bias starts at the areas' logarithmic sizes, so that the origin is uniform over the service area.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.mobility.areas import square_degrees
from tasks.mobility.distance import EARTH_RADIUS_M
from tasks.privacy.noise import fresh_generator
from tasks.region.model import TripNet
from tasks.synthesis import dpsgd
from tasks.synthesis.attraction import attraction, popularity
from tasks.synthesis.grid import SPLIT, Grid, Tokens

_START_SEED = 0
"""Seeds the public starting weights, which no secret depends on."""
_CELLS = SPLIT * SPLIT
_ROWS_AT_ONCE = 4_096


@dataclass(frozen=True)
class Head:
    """The part of the network that predicts one token.

    Attributes:
        token: Name of the predicted token.
        position: Its position in a trip's tokens.
        size: Number of its values.
        features: Names of the one-hot features it sees, each with its scale.
        hidden: Whether it has a hidden layer; otherwise it is linear in its features.
    """

    token: str
    position: int
    size: int
    features: Mapping[str, float]
    hidden: bool


@dataclass(frozen=True)
class TripNetwork:
    """The network of a grid and its settings.

    Attributes:
        grid: The public grid.
        settings: The synthesizer's settings; `hidden_units` is used here.
    """

    grid: Grid
    settings: TripNet

    @cached_property
    def feature_sizes(self) -> Mapping[str, int]:
        """Length of each one-hot feature; `cell` is the origin's first digit with its area."""
        areas = len(self.grid.boxes)
        return {
            "constant": 1,
            "area": areas,
            "hour": self.grid.sizes[1],
            "cell": areas * _CELLS,
            **{f"origin_{level}": _CELLS for level in range(1, self.grid.levels + 1)},
            "distance": self.grid.sizes[-2],
        }

    @cached_property
    def heads(self) -> tuple[Head, ...]:
        """The heads in the order of the tokens."""
        features: dict[str, tuple[dict[str, float], bool]] = {
            "area": ({"constant": 0.0}, False),
            "hour": ({"area": 1.0}, False),
            "origin_1": ({"area": 2.0, "hour": 0.3}, False),
            "origin_2": ({"cell": 4.0, "hour": 0.1}, False),
            "distance": ({"area": 1.0, "hour": 1.0, "cell": 1.0}, True),
            "bearing": ({"area": 0.2, "hour": 0.1, "cell": 0.2, "distance": 0.2}, False),
        }
        for level in range(3, self.grid.levels + 1):
            features[f"origin_{level}"] = ({"cell": 0.2, f"origin_{level - 1}": 0.2}, False)
        if self.grid.levels > 1:
            features["distance"][0]["origin_2"] = 0.3
            features["bearing"][0]["origin_2"] = 0.1
        return tuple(
            Head(name, position, self.grid.sizes[position], *features[name])
            for position, name in enumerate(self.grid.names)
        )

    @cached_property
    def shapes(self) -> dpsgd.Shapes:
        """Shape of every parameter, by name, in the order of the flat vector."""
        shapes: dict[str, tuple[int, ...]] = {}
        for head in self.heads:
            inputs = sum(self.feature_sizes[name] for name in head.features)
            if head.hidden:
                shapes[f"{head.token}_hidden/kernel"] = (inputs, self.settings.hidden_units)
                shapes[f"{head.token}_hidden/bias"] = (self.settings.hidden_units,)
                inputs = self.settings.hidden_units
            shapes[f"{head.token}/kernel"] = (inputs, head.size)
            shapes[f"{head.token}/bias"] = (head.size,)
        return shapes

    def start(self) -> dpsgd.Vector:
        """The starting weights, shape (size,); the same for every day of a region."""
        generator = np.random.default_rng(_START_SEED)
        weights = {name: np.zeros(shape) for name, shape in self.shapes.items()}
        for head in self.heads:
            if head.hidden:
                kernel = weights[f"{head.token}_hidden/kernel"]
                kernel += generator.normal(0, len(head.features) ** -0.5, kernel.shape)
        weights["area/bias"] += np.log([_size_km2(self.grid, i) for i in range(self.grid.sizes[0])])
        flat = np.concatenate([part.ravel() for part in weights.values()])
        return np.asarray(flat, np.float32)

    def losses(self, layers: dpsgd.Layers, records: tf.Tensor) -> tf.Tensor:
        """The negative log-likelihood of each trip's tokens in nats, zero for null records.

        Args:
            layers: The parameters.
            records: Tokens, shape (batch, tokens), int32.

        Returns:
            Shape (batch,).
        """
        present = records[:, 0] >= 0
        total = tf.zeros_like(records[:, 0], dtype=layers.dtype)
        for head in self.heads:
            labels = tf.maximum(records[:, head.position], 0)
            logits = self._logits(head, layers, records)
            total += tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        return tf.where(present, total, tf.zeros_like(total))

    def log_likelihood(self, weights: dpsgd.Vector, records: Tokens) -> NDArray[np.float64]:
        """The logarithm of the probability of each trip's tokens, nats; zero for null records.

        Args:
            weights: Trained parameters, shape (size,).
            records: Tokens, shape (n, tokens).

        Returns:
            Shape (n,).
        """
        parameters = dpsgd.split(tf.constant(weights), self.shapes)
        parts = [
            -self.losses(
                dpsgd.Layers(parameters, tf.float32),
                tf.constant(records[start : start + _ROWS_AT_ONCE]),
            ).numpy()
            for start in range(0, len(records), _ROWS_AT_ONCE)
        ]
        return np.concatenate([np.zeros(0), *parts])

    def _logits(self, head: Head, layers: dpsgd.Layers, records: tf.Tensor) -> tf.Tensor:
        """Logits of one head, shape (batch, size); reads only tokens before the head's own."""
        inputs = tf.concat(
            [
                self._one_hot(name, records, layers.dtype) * scale
                for name, scale in head.features.items()
            ],
            axis=1,
        )
        if head.hidden:
            scale = (2 / self.settings.hidden_units) ** 0.5
            inputs = tf.nn.relu(layers.affine(f"{head.token}_hidden", inputs)) * scale
        logits = layers.affine(head.token, inputs)
        if head.token not in ("distance", "bearing"):
            return logits
        return logits + tf.cast(tf.math.log(self._attraction(head, layers, records)), layers.dtype)

    def _attraction(self, head: Head, layers: dpsgd.Layers, records: tf.Tensor) -> tf.Tensor:
        """How much the places at each value of the head draw trips, shape (batch, size)."""
        popular = self._popularity(layers.parameters)
        distances_m = tf.constant(self.grid.middle_distances_m, tf.float32)
        if head.token == "distance":
            return tf.reduce_mean(attraction(self.grid, popular, records, distances_m[None]), 2)
        there = tf.gather(distances_m, tf.maximum(records[:, -2:-1], 0))
        return attraction(self.grid, popular, records, there)[:, 0]

    def _popularity(self, parameters: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The map of origins over all hours, by two digits at most."""
        areas, hours = self.grid.sizes[:2]
        shares = tf.nn.softmax(self._terms("hour", parameters)[0])[:, :, None]
        by_area, by_hour = self._terms("origin_1", parameters)
        shares *= tf.nn.softmax(by_area[:, None] + by_hour)
        if self.grid.levels == 1:
            return popularity(tf.reduce_sum(shares, 1))
        by_cell, by_hour = self._terms("origin_2", parameters)
        by_cell = tf.reshape(by_cell, [areas, 1, _CELLS, _CELLS])
        within = tf.nn.softmax(by_cell + tf.reshape(by_hour, [hours, 1, _CELLS]))
        return popularity(tf.einsum("ahc,ahcd->acd", shares, within))

    def _terms(self, token: str, parameters: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
        """What each value of each feature adds to a linear head's logits, the bias with the first.

        Without gradients: these are uses of parameters outside of layers.
        """
        features = self.heads[self.grid.names.index(token)].features
        kernel, bias = (
            tf.cast(tf.stop_gradient(parameters[f"{token}/{part}"]), tf.float32)
            for part in ("kernel", "bias")
        )
        parts = tf.split(kernel, [self.feature_sizes[name] for name in features])
        terms = [part * scale for part, scale in zip(parts, features.values(), strict=True)]
        return [terms[0] + bias, *terms[1:]]

    def _one_hot(self, name: str, records: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
        if name == "constant":
            return tf.ones_like(records[:, :1], dtype=dtype)
        if name == "cell":
            value = records[:, 0] * _CELLS + records[:, 2]
        else:
            value = records[:, self.grid.names.index(name)]
        return tf.one_hot(value, self.feature_sizes[name], dtype=dtype)

    def sample(
        self, weights: dpsgd.Vector, rows: int, generator: np.random.Generator | None = None
    ) -> Tokens:
        """Draw trips token by token, all rows at once.

        Values that public geometry rules out are masked: cells outside the area's polygons,
        distances longer than the box, bearings that lead out of it.

        Args:
            weights: Trained parameters, shape (size,).
            rows: Number of trips, >= 0.
            generator: Source of randomness; by default a fresh one keyed by the operating system.

        Returns:
            Shape (rows, tokens), int32.
        """
        generator = generator or fresh_generator()
        flat = tf.constant(weights)
        parts = [
            self._sample_part(flat, min(_ROWS_AT_ONCE, rows - start), generator)
            for start in range(0, rows, _ROWS_AT_ONCE)
        ]
        return np.concatenate([np.zeros((0, len(self.grid.sizes)), np.int32), *parts])

    def _sample_part(self, flat: tf.Tensor, rows: int, generator: np.random.Generator) -> Tokens:
        tokens = np.zeros((rows, len(self.grid.sizes)), np.int32)
        parameters = dpsgd.split(flat, self.shapes)
        for head in self.heads:
            layers = dpsgd.Layers(parameters, flat.dtype)
            logits = self._logits(head, layers, tf.constant(tokens)).numpy().astype(np.float64)
            if head.token.startswith("origin_"):
                logits[~self.grid.origin_mask(tokens, head.position - 1)] = -np.inf
            elif head.token == "distance":
                logits[~self.grid.distance_mask(tokens)] = -np.inf
            elif head.token == "bearing":
                logits[~self.grid.bearing_mask(tokens)] = -np.inf
            tokens[:, head.position] = _draw(logits, generator)
        return tokens


def _draw(logits: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.int64]:
    """One value per row from its softmax, by inversion; masked values have probability zero."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    sums = np.cumsum(weights, axis=1)
    mark = generator.random(len(logits)) * sums[:, -1]
    drawn = np.argmax(sums > mark[:, None], axis=1)
    # a mark that rounds up to the total exceeds no sum: take the last value that is possible
    last = logits.shape[1] - 1 - np.argmax(np.isfinite(logits)[:, ::-1], axis=1)
    return np.asarray(np.where(mark < sums[:, -1], drawn, last))


def _size_km2(grid: Grid, index: int) -> float:
    """The size of a service area, square kilometres, to a few per mille where it has polygons."""
    box = grid.boxes[index]
    band = np.sin(np.radians(box.north)) - np.sin(np.radians(box.south))
    size = (EARTH_RADIUS_M / 1000) ** 2 * band * np.radians(box.east - box.west)
    return float(size * square_degrees(box) / ((box.north - box.south) * (box.east - box.west)))
