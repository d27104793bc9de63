"""One symbol for each row, from logits and a uniform number."""

import tensorflow as tf

LARGEST = 1 - 2**-23
"""Uniform numbers reach no further, so that a mark among sums lies below the last of them."""


def draw(
    logits: tf.Tensor, allowed: tf.Tensor, temperature: tf.Tensor, uniform: tf.Tensor
) -> tf.Tensor:
    """Draw from the softmax of logits over what is allowed, by inversion.

    Where no probability is a number, as of a training that diverged, it is the last one allowed.

    Args:
        logits: Shape (rows, symbols).
        allowed: Which symbols may come, at least one in each row; boolean, shape as logits.
        temperature: Divides the logits, > 0.
        uniform: Shape (rows,), at least 0, at most `LARGEST`.

    Returns:
        Shape (rows,), int32.
    """
    scaled = tf.where(allowed, logits / temperature, logits.dtype.min)
    weights = tf.exp(scaled - tf.reduce_max(scaled, axis=1, keepdims=True))
    sums = tf.cumsum(tf.where(allowed, weights, tf.zeros_like(weights)), axis=1)
    # a parallel sum may rise by rounding where it should not: only what is allowed is drawn
    hit = allowed & (sums > uniform[:, None] * sums[:, -1:])
    backwards = tf.argmax(tf.cast(tf.reverse(allowed, [1]), tf.int8), 1, tf.int32)
    last = logits.shape[1] - 1 - backwards
    first = tf.argmax(tf.cast(hit, tf.int8), 1, tf.int32)
    return tf.where(tf.reduce_any(hit, axis=1), first, last)
