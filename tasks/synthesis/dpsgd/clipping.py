"""The sum of clipped per-record gradients from one backward pass.

One backward pass of the summed loss to the pre-activations of all layers gives, with the layers'
inputs, every record's squared gradient norm (`contributions`); from the norms follow the factors
that clip, and with these the clipped sums, which are products of inputs with scaled gradients. No
record's gradient is formed and nothing is differentiated twice.

A record is a row, or all rows of one vehicle. The rows of a vehicle are further positions at which
a layer was applied, like the steps of a sequence: their gradients add up before the norm is taken.

Floating point. Norms and sums are computed in the type of the flat vector, float32 in training.
A squared norm is raised by the bound of its own rounding errors and of the sum's, and the factors
aim 1e-5 below the clip norm, so that rounding does not lift a contribution above it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.synthesis.dpsgd.contributions import Contribution, Weights, join
from tasks.synthesis.dpsgd.layers import Build, Layers, Model
from tasks.synthesis.dpsgd.parameters import size, split
from tasks.synthesis.errors import LayerError

_SLACK = 1 - 1e-5

ClippedSum = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""Takes the flat parameters, a chunk of records and a seed to the clipped sum."""


@dataclass(frozen=True)
class Precision:
    """In what type a model is computed; norms and sums keep the type of the flat vector.

    Attributes:
        compute: Type of activations and their gradients, `float16` or `bfloat16`; by default
            that of the flat vector.
        loss_scale: Losses are multiplied by this before the backward pass and gradients divided
            after it, so that small ones do not vanish in float16. A public constant: a scale that
            follows overflows would depend on private gradients. A record whose gradient
            overflows counts as zero.
    """

    compute: str | None = None
    loss_scale: float = 1.0


FULL = Precision()
"""Everything in the type of the flat vector."""


def clipped_sum(
    model: Model,
    flat: tf.Tensor,
    records: tf.Tensor,
    clip: float,
    *,
    per_vehicle: bool = False,
    precision: Precision = FULL,
    seed: tf.Tensor | None = None,
) -> tf.Tensor:
    """The sum of the records' gradients, each clipped by its L2 norm over all parameters.

    Args:
        model: What is differentiated.
        flat: The parameters, shape (size,).
        records: Shape (batch, ...), or (batch, K, ...) with `per_vehicle`; an empty batch gives
            zeros.
        clip: Bound on each record's gradient norm.
        per_vehicle: Whether a record is a vehicle with K rows, padded with null records.
        precision: Type of the computation.
        seed: Seeds dropout, shape (2,), int32; without it nothing is dropped.

    Returns:
        Shape (size,). A record whose gradient is not finite counts as zero.

    Raises:
        LayerError: If a parameter is used by no layer, or outside of layers, or in ways whose
            norms do not add up: it would go unclipped.
    """
    parts = _contributions(model, flat, records, per_vehicle, precision, seed)
    squared = _in_order([part.squared_norms() for part in parts.values()])
    bound = squared + _in_order([_rounding(part) for part in parts.values()])
    finite = tf.math.is_finite(bound)
    norms = tf.sqrt(tf.where(finite, tf.maximum(bound, 0), tf.zeros_like(bound)))
    factors = tf.constant(clip * _SLACK, flat.dtype) / tf.maximum(
        norms, tf.constant(clip, flat.dtype)
    )

    def total(weights: Weights) -> tf.Tensor:
        sums = [parts[name].weighted_sum(weights) for name in model.shapes]
        return tf.concat([tf.reshape(part, [-1]) for part in sums], axis=0)

    return tf.cond(
        tf.reduce_all(finite),
        lambda: total(Weights(factors)),
        lambda: total(Weights(factors, finite)),
    )


def squared_norms(
    model: Model,
    flat: tf.Tensor,
    records: tf.Tensor,
    *,
    per_vehicle: bool = False,
    precision: Precision = FULL,
    seed: tf.Tensor | None = None,
) -> dict[str, tf.Tensor]:
    """Each record's squared gradient norm, parameter by parameter. Private.

    Args:
        model: As for `clipped_sum`, as all arguments.
        flat: The parameters.
        records: The batch.
        per_vehicle: Whether a record is a vehicle.
        precision: Type of the computation.
        seed: Seeds dropout.

    Returns:
        Shape (batch,) for every parameter's name.

    Raises:
        LayerError: As `clipped_sum`.
    """
    parts = _contributions(model, flat, records, per_vehicle, precision, seed)
    return {name: part.squared_norms() for name, part in parts.items()}


def compiled_clipped_sum(
    model: Model,
    records: NDArray[np.generic],
    clip: float,
    *,
    per_vehicle: bool = False,
    precision: Precision = FULL,
    device: str | None = None,
) -> ClippedSum:
    """`clipped_sum` as a graph, traced once for batches of every size; no XLA.

    Args:
        model: What is differentiated.
        records: Records as they will come, shape (n, ...); only shape and type are used.
        clip: Bound on each record's gradient norm.
        per_vehicle: Whether a record is a vehicle.
        precision: Type of the computation.
        device: Where it runs; by default where TensorFlow places it.
    """

    def run(flat: tf.Tensor, chunk: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        with tf.device(device):
            return clipped_sum(
                model, flat, chunk, clip, per_vehicle=per_vehicle, precision=precision, seed=seed
            )

    signature = [
        tf.TensorSpec([size(model.shapes)], tf.float32),
        tf.TensorSpec([None, *records.shape[1:]], records.dtype),
        tf.TensorSpec([2], tf.int32),
    ]
    graph: ClippedSum = tf.function(run, input_signature=signature, jit_compile=False)
    return graph


@dataclass
class _Listening(Layers):
    """Layers that note what each of them used, on a tape that watches pre-activations only.

    The layers read parameters that are not watched, the model sees watched copies: a gradient
    that reaches those did not come through a layer.
    """

    held: Mapping[str, tf.Tensor] = field(default_factory=dict)
    tape: tf.GradientTape = None
    uses: list[tuple[str, tf.Tensor, Build]] = field(default_factory=list)

    def _parameter(self, name: str) -> tf.Tensor:
        return self.held[name]

    def _use(self, name: str, outputs: tf.Tensor, build: Build) -> None:
        self.tape.watch(outputs)
        self.uses.append((name, outputs, build))


def _contributions(
    model: Model,
    flat: tf.Tensor,
    records: tf.Tensor,
    per_vehicle: bool,
    precision: Precision,
    seed: tf.Tensor | None,
) -> dict[str, Contribution]:
    """What every record of a batch contributes to the gradient of every parameter."""
    compute = tf.as_dtype(precision.compute or flat.dtype)
    together = records.shape[1] if per_vehicle else 1
    rows = tf.shape(records)[0] * together
    if per_vehicle:
        records = tf.reshape(records, [rows, *records.shape[2:]])
    held = split(tf.cast(flat, compute), model.shapes)
    seen = {name: tf.identity(parameter) for name, parameter in held.items()}
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(list(seen.values()))
        layers = _Listening(seen, compute, seed, held=held, tape=tape)
        losses = tf.cast(model.losses(layers, records), flat.dtype)
        total = tf.reduce_sum(losses) * precision.loss_scale
    probes = [outputs for _, outputs, _ in layers.uses]
    gradients = tape.gradient(total, [*probes, *seen.values()])
    _check_coverage(model, layers, dict(zip(seen, gradients[len(probes) :], strict=True)))

    def fold(values: tf.Tensor) -> tf.Tensor:
        """(rows, ..., features) as (batch, positions, features), in the type of norms."""
        if values.dtype.is_floating:
            values = tf.cast(values, flat.dtype)
        middle = values.shape[1:-1]
        known = middle.is_fully_defined()
        steps = int(np.prod(middle)) if known else tf.reduce_prod(tf.shape(values)[1:-1])
        return tf.reshape(values, [rows // together, together * steps, values.shape[-1]])

    found: dict[str, list[Contribution]] = {name: [] for name in model.shapes}
    for (name, outputs, build), gradient in zip(layers.uses, gradients, strict=False):
        found[name].append(build(_checked(name, outputs, gradient, rows, precision), fold))
    return {name: join(name, parts) for name, parts in found.items()}


def _in_order(parts: Sequence[tf.Tensor]) -> tf.Tensor:
    """The sum, the same to the last bit every time: `tf.add_n` begins with whatever is ready."""
    return tf.reduce_sum(tf.stack(parts), axis=0)


def _check_coverage(
    model: Model, layers: _Listening, stray: Mapping[str, tf.Tensor | None]
) -> None:
    """Refuse parameters that no layer uses, or that are used outside of layers."""
    used = {name for name, _, _ in layers.uses}
    if used != set(model.shapes):
        raise LayerError(f"no layer applies {sorted(set(model.shapes) ^ used)}")
    outside = sorted(name for name, gradient in stray.items() if gradient is not None)
    if outside:
        raise LayerError(f"used outside of layers, where it goes unclipped: {outside}")


def _checked(
    name: str, outputs: tf.Tensor, gradient: tf.Tensor | None, rows: tf.Tensor, precision: Precision
) -> tf.Tensor:
    """The gradient with respect to a layer's outputs, whose first axis must be the rows."""
    found = tf.debugging.assert_equal(
        tf.shape(outputs)[0], rows, f"{name}: the layer's first axis is not that of the records"
    )
    with tf.control_dependencies(None if found is None else [found]):
        dense = tf.zeros_like(outputs) if gradient is None else tf.convert_to_tensor(gradient)
        return dense if precision.loss_scale == 1 else dense / precision.loss_scale


def _rounding(part: Contribution) -> tf.Tensor:
    """How much too small a squared norm may be, and the square of what a sum may exceed it by."""
    magnitudes = part.magnitudes()
    epsilon = np.finfo(magnitudes.dtype.as_numpy_dtype).eps
    return epsilon * tf.cast(part.terms(), magnitudes.dtype) * tf.square(magnitudes)
