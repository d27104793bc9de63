"""One DP-SGD step, written once, for every neural synthesizer.

A step draws a Poisson mask, clips each drawn record's gradient to `l2_norm_clip`, sums, adds
Gaussian noise once and divides by the public expected batch. Mask, noise and division belong to
the mechanism (`tasks.privacy`), which is plain numpy outside every compiled function; TensorFlow
computes the clipped sum and has no random op.

Clipping needs each record's gradient norm but not its gradient. Where a layer maps inputs a to
pre-activations a W + b, a record's gradients are the outer product of a with g and g itself, g
being the gradient of its loss with respect to the pre-activations. So one backward pass of the
summed loss to the pre-activations gives every squared norm, |g|^2 (|a|^2 + 1) summed over layers,
and the clipped sums are products of the inputs with the scaled g. (Goodfellow 2015, "Efficient
per-example gradient computations"; Li et al. 2022 call it ghost clipping.)

Floating point: norms and sums are float32. The factor that scales a gradient aims 1e-5 below the
clip norm, so that rounding does not lift a contribution above it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.privacy.mechanism import SubsampledGaussianRun
from tasks.synthesis.errors import LayerError

Shapes = Mapping[str, tuple[int, ...]]
Vector = NDArray[np.float32]

_SLACK = 1 - 1e-5


@dataclass(frozen=True)
class _Affine:
    kernel: str
    bias: str
    inputs: tf.Tensor
    outputs: tf.Tensor


@dataclass
class Layers:
    """Applies a model's affine maps and remembers what clipping needs of them.

    Attributes:
        parameters: The model's parameters by name.
        dtype: Their floating-point type.
    """

    parameters: Mapping[str, tf.Tensor]
    dtype: tf.DType
    _applied: list[_Affine] = field(default_factory=list)

    def affine(self, name: str, inputs: tf.Tensor) -> tf.Tensor:
        """Inputs times the kernel `name/kernel` plus the bias `name/bias`.

        Args:
            name: Name of the layer; every layer is applied once.
            inputs: Shape (batch, in), one row per record.

        Returns:
            Pre-activations, shape (batch, out).

        Raises:
            LayerError: If the layer was applied before: norms of shared layers do not add up.
        """
        kernel, bias = f"{name}/kernel", f"{name}/bias"
        if any(layer.kernel == kernel for layer in self._applied):
            raise LayerError(f"layer {name!r} is applied twice; per-example norms need it once")
        outputs = tf.matmul(inputs, self.parameters[kernel]) + self.parameters[bias]
        self._applied.append(_Affine(kernel, bias, inputs, outputs))
        return outputs

    @property
    def applied(self) -> tuple[_Affine, ...]:
        """The layers in the order of their application."""
        return tuple(self._applied)


class Model(Protocol):
    """A model whose every parameter belongs to an affine layer applied once."""

    @property
    def shapes(self) -> Shapes:
        """Shape of every parameter, by name, in the order of the flat vector."""
        ...

    def losses(self, layers: Layers, records: tf.Tensor) -> tf.Tensor:
        """The loss of every record, shape (batch,); exactly zero for a null record."""
        ...


def size(shapes: Shapes) -> int:
    """The length of the flat vector of all parameters."""
    return sum(int(np.prod(shape)) for shape in shapes.values())


def split(flat: tf.Tensor, shapes: Shapes) -> dict[str, tf.Tensor]:
    """The parameters in a flat vector, by name."""
    parts = tf.split(flat, [int(np.prod(shape)) for shape in shapes.values()])
    return {
        name: tf.reshape(part, shape)
        for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }


def clipped_sum(model: Model, flat: tf.Tensor, records: tf.Tensor, clip: float) -> tf.Tensor:
    """The sum of the records' gradients, each clipped by its L2 norm over all parameters.

    Args:
        model: What is differentiated.
        flat: The parameters, shape (size,).
        records: Shape (batch, ...); an empty batch gives zeros.
        clip: Bound on each record's gradient norm.

    Returns:
        Shape (size,). A record whose gradient is not finite counts as zero.

    Raises:
        LayerError: If a parameter belongs to no applied layer: it would go unclipped.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(flat)
        layers = Layers(split(flat, model.shapes), flat.dtype)
        total = tf.reduce_sum(model.losses(layers, records))
    covered = {name for layer in layers.applied for name in (layer.kernel, layer.bias)}
    if covered != set(model.shapes):
        raise LayerError(f"no layer applies {sorted(set(model.shapes) ^ covered)}")
    gradients = tape.gradient(
        total,
        [layer.outputs for layer in layers.applied],
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    squared = tf.add_n(
        [
            tf.reduce_sum(tf.square(gradient), axis=1)
            * (tf.reduce_sum(tf.square(layer.inputs), axis=1) + 1)
            for layer, gradient in zip(layers.applied, gradients, strict=True)
        ]
    )
    finite = tf.math.is_finite(squared)
    norms = tf.sqrt(tf.where(finite, squared, tf.zeros_like(squared)))
    factors = tf.cast(clip * _SLACK, flat.dtype) / tf.maximum(norms, tf.cast(clip, flat.dtype))
    keep, factors, all_finite = finite[:, None], factors[:, None], tf.reduce_all(finite)
    sums = {}
    for layer, gradient in zip(layers.applied, gradients, strict=True):
        # where, not times zero: zero times infinity is not a number
        scaled = tf.where(keep, gradient * factors, tf.zeros_like(gradient))
        inputs = _zero_rows(layer.inputs, keep, all_finite)
        sums[layer.kernel] = tf.matmul(inputs, scaled, transpose_a=True)
        sums[layer.bias] = tf.reduce_sum(scaled, axis=0)
    return tf.concat([tf.reshape(sums[name], [-1]) for name in model.shapes], axis=0)


def _zero_rows(inputs: tf.Tensor, keep: tf.Tensor, keep_all: tf.Tensor) -> tf.Tensor:
    """Inputs with the rows that are not kept set to zero; not copied if all are kept."""
    return tf.cond(keep_all, lambda: inputs, lambda: tf.where(keep, inputs, tf.zeros_like(inputs)))


@dataclass
class Adam:
    """Adam on noised means, with an exponential moving average of the weights.

    Both see only what the mechanism released. All state is in plain arrays of shape (size,).

    Attributes:
        weights: The iterate.
        average: Sum of past iterates, weighted; see `averaged`.
        first: Moving mean of the gradients.
        second: Moving mean of their squares.
        steps: Number of updates applied.
        learning_rate: Public constant.
        averaging: Weight of the past in the average of the weights, a public constant.
    """

    weights: Vector
    average: Vector
    first: Vector
    second: Vector
    steps: int
    learning_rate: float
    averaging: float

    @classmethod
    def start(cls, weights: Vector, learning_rate: float, averaging: float) -> "Adam":
        """The state before the first step."""
        first, second, average = (np.zeros_like(weights) for _ in range(3))
        return cls(weights.copy(), average, first, second, 0, learning_rate, averaging)

    def update(self, gradient: NDArray[np.float64]) -> None:
        """Apply one noised mean gradient, shape (size,)."""
        self.steps += 1
        mean = gradient.astype(np.float32)
        self.first += (1 - 0.9) * (mean - self.first)
        self.second += (1 - 0.999) * (np.square(mean) - self.second)
        first = self.first / np.float32(1 - 0.9**self.steps)
        second = self.second / np.float32(1 - 0.999**self.steps)
        self.weights -= np.float32(self.learning_rate) * first / (np.sqrt(second) + 1e-8)
        self.average += np.float32(1 - self.averaging) * (self.weights - self.average)

    @property
    def averaged(self) -> Vector:
        """The average of the weights over past steps; the start if there were none."""
        if self.steps == 0:
            return self.weights.copy()
        return (self.average / np.float32(1 - self.averaging**self.steps)).astype(np.float32)


class DpSgd:
    """Runs DP-SGD steps of one attempt.

    Args:
        model: The model to train.
        records: Encoded trips of the day, shape (n, tokens); null records included.
        run: The mechanism's attempt, with its own secret keys.
        adam: Optimizer state, changed in place.
        physical_batch: Most records that are differentiated at once; affects only memory.
    """

    def __init__(
        self,
        model: Model,
        records: NDArray[np.int32],
        run: SubsampledGaussianRun,
        adam: Adam,
        physical_batch: int = 2048,
    ) -> None:
        self._records = records
        self._run = run
        self._adam = adam
        self._physical_batch = physical_batch
        self._clipped_sum = compiled_clipped_sum(model, records, run.mechanism.l2_norm_clip)

    @property
    def steps(self) -> int:
        """Updates applied to the weights, earlier attempts' included."""
        return self._adam.steps

    def step(self) -> None:
        """One logical step: mask, clip, sum, noise once, divide by q * n, update."""
        drawn = self._records[self._run.draw()]
        weights = tf.constant(self._adam.weights)
        total = np.zeros(len(self._adam.weights), np.float64)
        for start in range(0, len(drawn), self._physical_batch):
            chunk = tf.constant(drawn[start : start + self._physical_batch])
            total += self._clipped_sum(weights, chunk).numpy()
        self._adam.update(self._run.release(total))


def compiled_clipped_sum(
    model: Model, records: NDArray[np.int32], clip: float
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """`clipped_sum` as a graph, traced once for batches of every size; no XLA."""
    signature = [
        tf.TensorSpec([size(model.shapes)], tf.float32),
        tf.TensorSpec([None, *records.shape[1:]], tf.int32),
    ]
    graph: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = tf.function(
        lambda flat, chunk: clipped_sum(model, flat, chunk, clip),
        input_signature=signature,
        jit_compile=False,
    )
    return graph
