"""The slow way: every record's gradient by automatic differentiation of its own loss, float64."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.synthesis.dpsgd import KerasModel, Layers, Model, split

Gradients = Mapping[str, NDArray[np.float64]]
NULL = -1


@contextmanager
def float64() -> Iterator[None]:
    """Keras layers made inside compute in float64."""
    policy = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy("float64")
    try:
        yield
    finally:
        tf.keras.mixed_precision.set_global_policy(policy)


def keras_gradients(model: KerasModel, records: NDArray[np.int32]) -> Gradients:
    """By Keras' own layers; records are vehicles, shape (batch, K, tokens).

    Returns:
        Shape (batch, *shape) for every variable's name.
    """
    found: dict[str, list[Any]] = {name: [] for name in model.variables}
    for vehicle in records:
        with tf.GradientTape() as tape:
            rows = tf.constant(vehicle)
            total = tf.reduce_sum(model.loss(rows, model.network(model.inputs(rows))))
        gradients = tape.gradient(
            total,
            list(model.variables.values()),
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        for name, gradient in zip(found, gradients, strict=True):
            found[name].append(tf.convert_to_tensor(gradient).numpy())
    return {
        name: np.array(rows, np.float64).reshape(len(records), *model.shapes[name])
        for name, rows in found.items()
    }


def flat_gradients(
    model: Model, flat: NDArray[np.float64], records: NDArray[np.int32]
) -> NDArray[np.float64]:
    """By the plain layers; records are rows. Returns shape (batch, size)."""
    rows = []
    for record in records:
        variable = tf.constant(flat, tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(variable)
            layers = Layers(split(variable, model.shapes), tf.float64)
            loss = model.losses(layers, tf.constant(record[None]))[0]
        rows.append(tape.gradient(loss, variable).numpy())
    return np.array(rows, np.float64).reshape(len(records), len(flat))


def clip(gradients: NDArray[np.float64], norm: float) -> NDArray[np.float64]:
    """Rows of norm at most `norm`."""
    norms = np.linalg.norm(gradients, axis=1, keepdims=True)
    return np.asarray(gradients * np.minimum(1, norm / np.maximum(norms, 1e-300)))


def next_tokens(
    network: tf.keras.Model, inputs: Callable[[tf.Tensor], Any] = lambda tokens: tokens
) -> KerasModel:
    """A network that predicts each token from those before it; null records hold -1.

    Args:
        network: Gives logits of shape (rows, steps, values), or (rows, values) of the last token.
        inputs: Takes valid tokens of shape (rows, steps) to the network's input.
    """

    def loss(records: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        labels = tf.maximum(records, 0)[:, 1:]
        if len(logits.shape) == 2:
            labels = labels[:, -1:]
            logits = logits[:, None]
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        total = tf.reduce_sum(losses, axis=1)
        return tf.where(records[:, 0] == NULL, tf.zeros_like(total), total)

    return KerasModel(network, lambda records: inputs(tf.maximum(records, 0)[:, :-1]), loss)
