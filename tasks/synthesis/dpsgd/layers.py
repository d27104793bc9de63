"""Layers that tell what they contribute to gradients, for models written as functions.

A model calls these with the names of its parameters. Where per-example norms are wanted,
`clipping` listens to what each layer says it used; otherwise they are just layers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import tensorflow as tf

from tasks.synthesis.dpsgd.contributions import Columns, Contribution, Lookup, Product, Sum
from tasks.synthesis.dpsgd.parameters import Shapes
from tasks.synthesis.dpsgd.recurrence import (
    delayed,
    gru_states,
    gru_states_reset_before,
    lstm_states,
)

Fold = Callable[[tf.Tensor], tf.Tensor]
"""Takes (rows, ..., features) to (batch, positions, features)."""

Build = Callable[[tf.Tensor, Fold], Contribution]
"""Makes a contribution of the gradient with respect to a pre-activation."""


class Model(Protocol):
    """A model whose every parameter is used by layers of `Layers` and by nothing else.

    A row's loss depends on that row only, and every layer sees the rows along its first axis.
    """

    @property
    def shapes(self) -> Shapes:
        """Shape of every parameter, by name, in the order of the flat vector."""
        ...

    def losses(self, layers: "Layers", records: tf.Tensor) -> tf.Tensor:
        """The loss of every row, shape (rows,); exactly zero for a null record."""
        ...


@dataclass
class Layers:
    """Applies a model's layers.

    Attributes:
        parameters: The model's parameters by name.
        dtype: Their floating-point type.
        seed: Seeds dropout, shape (2,), int32; None where nothing is dropped.
    """

    parameters: Mapping[str, tf.Tensor]
    dtype: tf.DType
    seed: tf.Tensor | None = None
    _dropouts: int = field(default=0, init=False)

    def affine(self, name: str, inputs: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Inputs times the kernel `name/kernel`, plus the bias `name/bias` if there is one.

        Args:
            name: Name of the layer.
            inputs: Shape (rows, ..., in).
            mask: Held-at-zero entries of the kernel are zero here, the others one; shape
                (in, out).

        Returns:
            Pre-activations, shape (rows, ..., out).
        """
        kernel = tf.reshape(self._parameter(f"{name}/kernel"), [inputs.shape[-1], -1])
        outputs = tf.tensordot(inputs, kernel if mask is None else kernel * mask, 1)
        bias = f"{name}/bias"
        if bias in self.parameters:
            outputs = tf.nn.bias_add(outputs, tf.reshape(self._parameter(bias), [-1]))
            self._use(bias, outputs, lambda gradient, fold: Sum(fold(gradient)))
        self._use(
            f"{name}/kernel",
            outputs,
            lambda gradient, fold: Product(fold(inputs), fold(gradient), mask),
        )
        return outputs

    def embed(self, name: str, ids: tf.Tensor) -> tf.Tensor:
        """Rows of the table `name/embeddings`.

        Args:
            name: Name of the layer.
            ids: Row numbers, shape (rows, ...), within the table.

        Returns:
            Shape (rows, ..., width).
        """
        table = self._parameter(f"{name}/embeddings")
        outputs = tf.gather(table, ids)
        self._use(
            f"{name}/embeddings",
            outputs,
            lambda gradient, fold: Lookup(
                fold(ids[..., None])[..., 0], fold(gradient), table.shape[0]
            ),
        )
        return outputs

    def lstm(self, name: str, inputs: tf.Tensor) -> tf.Tensor:
        """Hidden states of an LSTM as Keras computes them, from a zero state.

        Args:
            name: Name of the layer; it has `name/kernel` of shape (in, 4 units),
                `name/recurrent_kernel` and, perhaps, `name/bias`.
            inputs: Shape (rows, steps, in).

        Returns:
            Shape (rows, steps, units).
        """
        before = self.affine(name, inputs)
        states = lstm_states(before, self._parameter(f"{name}/recurrent_kernel"))
        self._use(
            f"{name}/recurrent_kernel",
            before,
            lambda gradient, fold: Product(fold(delayed(states)), fold(gradient)),
        )
        return states

    def gru(self, name: str, inputs: tf.Tensor, reset_after: bool = True) -> tf.Tensor:
        """Hidden states of a GRU as Keras computes them, from a zero state.

        Args:
            name: Name of the layer; it has `name/kernel` of shape (in, 3 units),
                `name/recurrent_kernel` and, perhaps, `name/bias`, of shape (2, 3 units) with
                `reset_after` and (3 units,) without.
            inputs: Shape (rows, steps, in).
            reset_after: Whether the reset gate scales the recurrent product or what enters it.

        Returns:
            Shape (rows, steps, units).
        """
        kernel = self._parameter(f"{name}/recurrent_kernel")
        units = kernel.shape[0]
        if reset_after:
            return self._gru_reset_after(name, inputs, kernel)
        before = self.affine(name, inputs)
        states, reset_states = gru_states_reset_before(before, kernel)
        self._use(
            f"{name}/recurrent_kernel",
            before,
            lambda gradient, fold: Columns(
                (
                    Product(fold(delayed(states)), fold(gradient[..., : 2 * units])),
                    Product(fold(reset_states), fold(gradient[..., 2 * units :])),
                )
            ),
        )
        return states

    def _gru_reset_after(self, name: str, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        width = kernel.shape[1]
        before = tf.tensordot(inputs, self._parameter(f"{name}/kernel"), 1)
        before = tf.concat([before, tf.zeros_like(before)], axis=2)
        bias = f"{name}/bias"
        if bias in self.parameters:
            before += tf.reshape(self._parameter(bias), [-1])
            self._use(bias, before, lambda gradient, fold: Sum(fold(gradient)))
        self._use(
            f"{name}/kernel",
            before,
            lambda gradient, fold: Product(fold(inputs), fold(gradient[..., :width])),
        )
        states = gru_states(before, kernel)
        self._use(
            f"{name}/recurrent_kernel",
            before,
            lambda gradient, fold: Product(fold(delayed(states)), fold(gradient[..., width:])),
        )
        return states

    def norm(self, name: str, inputs: tf.Tensor, epsilon: float = 1e-3) -> tf.Tensor:
        """Layer normalisation over the last axis, scaled by `name/gamma`, shifted by `name/beta`.

        Args:
            name: Name of the layer; either parameter may be missing.
            inputs: Shape (rows, ..., features).
            epsilon: Added to the variance.

        Returns:
            Shape as given.
        """
        mean, variance = tf.nn.moments(inputs, axes=[-1], keepdims=True)
        normed = (inputs - mean) * tf.math.rsqrt(variance + tf.constant(epsilon, inputs.dtype))
        outputs, gamma, beta = normed, f"{name}/gamma", f"{name}/beta"
        if gamma in self.parameters:
            outputs *= self._parameter(gamma)
        if beta in self.parameters:
            outputs += self._parameter(beta)
            self._use(beta, outputs, lambda gradient, fold: Sum(fold(gradient)))
        if gamma in self.parameters:
            self._use(gamma, outputs, lambda gradient, fold: Sum(fold(gradient) * fold(normed)))
        return outputs

    def attention(
        self,
        name: str,
        query: tf.Tensor,
        value: tf.Tensor,
        key: tf.Tensor | None = None,
        *,
        heads: int,
        causal: bool = False,
        rate: float = 0.0,
    ) -> tf.Tensor:
        """Multi-head attention as Keras computes it: four affine maps around a softmax.

        Args:
            name: Name of the layer; its maps are `name/query`, `name/key`, `name/value` and
                `name/attention_output`.
            query: Shape (rows, positions, features).
            value: Shape (rows, other positions, features).
            key: Shape like `value`; by default the value.
            heads: Number of heads; divides the width of query, key and value.
            causal: Whether a position sees only positions up to itself.
            rate: Dropout of attention weights.

        Returns:
            Shape (rows, positions, out).
        """
        queries = _heads(self.affine(f"{name}/query", query), heads)
        keys = _heads(self.affine(f"{name}/key", value if key is None else key), heads)
        values = _heads(self.affine(f"{name}/value", value), heads)
        scale = tf.cast(queries.shape[-1], self.dtype) ** -0.5
        scores = tf.einsum("bthk,bshk->bhts", queries * scale, keys)
        if causal:
            seen = tf.linalg.band_part(tf.ones(tf.shape(scores)[2:], self.dtype), -1, 0)
            scores = tf.where(seen > 0, scores, scores.dtype.min / 2)
        weights = self.dropout(tf.nn.softmax(scores), rate)
        mixed = tf.einsum("bhts,bshk->bthk", weights, values)
        mixed = tf.reshape(
            mixed, [tf.shape(mixed)[0], tf.shape(mixed)[1], mixed.shape[2] * mixed.shape[3]]
        )
        return self.affine(f"{name}/attention_output", mixed)

    def dropout(self, inputs: tf.Tensor, rate: float) -> tf.Tensor:
        """Inputs with a share of the entries dropped at random, the rest scaled up.

        The mask is a function of the step's seed. Rows draw independently, so that one record's
        presence does not change the law of the others' masks.

        Args:
            inputs: Any shape.
            rate: Share dropped, in [0, 1); nothing is dropped without a seed.
        """
        if self.seed is None or rate == 0:
            return inputs
        self._dropouts += 1
        seed = self.seed + tf.constant([0, self._dropouts])
        kept = tf.random.stateless_uniform(tf.shape(inputs), seed) >= rate
        return tf.where(kept, inputs / (1 - rate), tf.zeros_like(inputs))

    def _parameter(self, name: str) -> tf.Tensor:
        return self.parameters[name]

    def _use(self, name: str, outputs: tf.Tensor, build: Build) -> None:
        """Told that the gradient of parameter `name` follows from that of `outputs`.

        The first word of `outputs` comes before anything is computed from them.
        """


def _heads(values: tf.Tensor, heads: int) -> tf.Tensor:
    """(rows, positions, heads * width) as (rows, positions, heads, width)."""
    shape = tf.shape(values)
    return tf.reshape(values, [shape[0], shape[1], heads, values.shape[-1] // heads])
