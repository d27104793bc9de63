"""The recurrences of LSTM and GRU, with gradients for the pre-activations and no others per step.

The input product x W + b runs over all steps at once, outside: its output is the pre-activation
that a per-example norm needs the gradient of. What is left for each step is one product with the
recurrent kernel. Backwards, a step needs one product with its transpose; the kernel's own gradient
is one product over all steps, made only if somebody asks for it.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Gradients = Callable[..., tuple[tf.Tensor, ...]]


@tf.custom_gradient
def lstm_states(before: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradients]:
    """The hidden states of an LSTM that starts at zero.

    Args:
        before: Input products with biases, shape (rows, steps, 4 units), in Keras' order: input
            gate, forget gate, candidate, output gate.
        kernel: The recurrent kernel, shape (units, 4 units).

    Returns:
        Shape (rows, steps, units).
    """
    start = _zero_state(before, kernel)

    def forward(t: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor) -> tuple[Any, Any]:
        parts = tf.split(before[:, t] + tf.matmul(hidden, kernel), 4, axis=1)
        enter, forget, leave = (tf.sigmoid(parts[i]) for i in (0, 1, 3))
        candidate = tf.tanh(parts[2])
        current = forget * cell + enter * candidate
        squashed = tf.tanh(current)
        hidden = leave * squashed
        return (hidden, current), (enter, forget, candidate, leave, cell, squashed, hidden)

    kept = _scan(forward, before, (start, start), count=7)
    hiddens = _by_row(kept[6])

    def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
        back = tf.transpose(kernel)

        def backward(t: tf.Tensor, d_hidden: tf.Tensor, d_cell: tf.Tensor) -> tuple[Any, Any]:
            enter, forget, candidate, leave, cell, squashed = (kept[i].read(t) for i in range(6))
            d_hidden += upstream[:, t]
            d_cell += d_hidden * leave * (1 - tf.square(squashed))
            d_parts = tf.concat(
                [
                    d_cell * candidate * enter * (1 - enter),
                    d_cell * cell * forget * (1 - forget),
                    d_cell * enter * (1 - tf.square(candidate)),
                    d_hidden * squashed * leave * (1 - leave),
                ],
                axis=1,
            )
            d_hidden = tf.matmul(d_parts, back)
            return (d_hidden, d_cell * forget), (d_parts,)

        (written,) = _scan(backward, before, (start, start), count=1, reverse=True)
        d_before = _by_row(written)
        return d_before, _product(delayed(hiddens), d_before)

    return hiddens, gradients


@tf.custom_gradient
def gru_states(before: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradients]:
    """The hidden states of a GRU that starts at zero and resets after the recurrent product.

    The reset gate scales a part of the recurrent product, so that this is a pre-activation of its
    own. What is added to it at every step, the recurrent bias, is an argument here: the gradient
    with respect to it is that with respect to the product.

    Args:
        before: Shape (rows, steps, 6 units): input products with biases in Keras' order (update
            gate, reset gate, candidate), then the recurrent biases in that order.
        kernel: The recurrent kernel, shape (units, 3 units).

    Returns:
        Shape (rows, steps, units).
    """
    start = _zero_state(before, kernel)

    def forward(t: tf.Tensor, hidden: tf.Tensor) -> tuple[Any, Any]:
        inputs, biases = tf.split(before[:, t], 2, axis=1)
        inputs = tf.split(inputs, 3, axis=1)
        states = tf.split(biases + tf.matmul(hidden, kernel), 3, axis=1)
        update, reset = (tf.sigmoid(inputs[i] + states[i]) for i in (0, 1))
        candidate = tf.tanh(inputs[2] + reset * states[2])
        new = update * hidden + (1 - update) * candidate
        return (new,), (update, reset, candidate, states[2], hidden, new)

    kept = _scan(forward, before, (start,), count=6)
    hiddens = _by_row(kept[5])

    def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
        def backward(t: tf.Tensor, d_hidden: tf.Tensor) -> tuple[Any, Any]:
            update, reset, candidate, state, hidden = (kept[i].read(t) for i in range(5))
            d_hidden += upstream[:, t]
            d_update = d_hidden * (hidden - candidate) * update * (1 - update)
            d_candidate = d_hidden * (1 - update) * (1 - tf.square(candidate))
            d_reset = d_candidate * state * reset * (1 - reset)
            d_states = tf.concat([d_update, d_reset, d_candidate * reset], axis=1)
            d_hidden = d_hidden * update + tf.matmul(d_states, kernel, transpose_b=True)
            return (d_hidden,), (tf.concat([d_update, d_reset, d_candidate, d_states], axis=1),)

        (written,) = _scan(backward, before, (start,), count=1, reverse=True)
        d_before = _by_row(written)
        return d_before, _product(delayed(hiddens), d_before[..., kernel.shape[1] :])

    return hiddens, gradients


@tf.custom_gradient
def gru_states_reset_before(
    before: tf.Tensor, kernel: tf.Tensor
) -> tuple[tuple[tf.Tensor, tf.Tensor], Gradients]:
    """The hidden states of a GRU that starts at zero and resets before the recurrent product.

    Args:
        before: Input products with biases, shape (rows, steps, 3 units), in Keras' order: update
            gate, reset gate, candidate.
        kernel: The recurrent kernel, shape (units, 3 units).

    Returns:
        The states and the states after reset that enter the candidate's product, both of shape
        (rows, steps, units). The second has no gradient of its own.
    """
    start = _zero_state(before, kernel)
    units = kernel.shape[0]
    gates, last = kernel[:, : 2 * units], kernel[:, 2 * units :]

    def forward(t: tf.Tensor, hidden: tf.Tensor) -> tuple[Any, Any]:
        inputs = before[:, t]
        both = tf.sigmoid(inputs[:, : 2 * units] + tf.matmul(hidden, gates))
        update, reset = tf.split(both, 2, axis=1)
        kept_state = reset * hidden
        candidate = tf.tanh(inputs[:, 2 * units :] + tf.matmul(kept_state, last))
        new = update * hidden + (1 - update) * candidate
        return (new,), (update, reset, candidate, hidden, kept_state, new)

    kept = _scan(forward, before, (start,), count=6)
    hiddens, kept_states = _by_row(kept[5]), _by_row(kept[4])

    def gradients(upstream: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, ...]:
        def backward(t: tf.Tensor, d_hidden: tf.Tensor) -> tuple[Any, Any]:
            update, reset, candidate, hidden = (kept[i].read(t) for i in range(4))
            d_hidden += upstream[:, t]
            d_update = d_hidden * (hidden - candidate) * update * (1 - update)
            d_candidate = d_hidden * (1 - update) * (1 - tf.square(candidate))
            d_kept = tf.matmul(d_candidate, last, transpose_b=True)
            d_gates = tf.concat([d_update, d_kept * hidden * reset * (1 - reset)], axis=1)
            d_hidden = d_hidden * update + d_kept * reset
            d_hidden += tf.matmul(d_gates, gates, transpose_b=True)
            return (d_hidden,), (tf.concat([d_gates, d_candidate], axis=1),)

        (written,) = _scan(backward, before, (start,), count=1, reverse=True)
        d_before = _by_row(written)
        d_gates, d_candidate = d_before[..., : 2 * units], d_before[..., 2 * units :]
        products = (_product(delayed(hiddens), d_gates), _product(kept_states, d_candidate))
        return d_before, tf.concat(products, axis=1)

    return (hiddens, kept_states), gradients


def delayed(states: tf.Tensor) -> tf.Tensor:
    """The state that enters each step: zero, then the state before; shape as given."""
    return tf.pad(states[:, :-1], [[0, 0], [1, 0], [0, 0]])


def _zero_state(before: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return tf.zeros([tf.shape(before)[0], kernel.shape[0]], before.dtype)


def _scan(
    step: Callable[..., tuple[Any, Any]],
    like: tf.Tensor,
    state: tuple[tf.Tensor, ...],
    count: int,
    reverse: bool = False,
) -> list[tf.TensorArray]:
    """Runs a step along axis 1 of `like`; returns what it wrote at every step."""
    steps = tf.shape(like)[1]
    arrays = tuple(
        tf.TensorArray(like.dtype, size=steps, clear_after_read=False) for _ in range(count)
    )

    def body(i: tf.Tensor, state: Any, arrays: Any) -> tuple[Any, Any, Any]:
        t = steps - 1 - i if reverse else i
        state, values = step(t, *state)
        return i + 1, state, tuple(a.write(t, v) for a, v in zip(arrays, values, strict=True))

    _, _, written = tf.while_loop(
        lambda i, state, arrays: i < steps, body, (tf.constant(0), state, arrays)
    )
    return list(written)


def _by_row(array: tf.TensorArray) -> tf.Tensor:
    """What was written step by step, as (rows, steps, ...)."""
    return tf.transpose(array.stack(), [1, 0, 2])


def _product(inputs: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """The gradient of a kernel, summed over rows and steps."""
    return tf.tensordot(inputs, gradients, [[0, 1], [0, 1]])
