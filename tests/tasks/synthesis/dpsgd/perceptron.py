"""A small model written with `Layers`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.synthesis import dpsgd
from tasks.synthesis.dpsgd import Layers

BROKEN, NULL = 99, -1


@dataclass(frozen=True)
class Perceptron:
    """Two affine layers over one-hot records; record 99 has an infinite loss."""

    values: int = 5
    hidden: int = 3

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        return {
            "first/kernel": (self.values, self.hidden),
            "first/bias": (self.hidden,),
            "second/kernel": (self.hidden, self.values),
            "second/bias": (self.values,),
        }

    def losses(self, layers: Layers, records: tf.Tensor) -> tf.Tensor:
        inputs = tf.one_hot(records[:, 0], self.values, dtype=layers.dtype)
        inputs += tf.cast(tf.where(records[:, :1] == BROKEN, np.inf, 0.0), layers.dtype)
        hidden = tf.tanh(layers.affine("first", inputs))
        logits = layers.affine("second", hidden)
        labels = tf.clip_by_value(records[:, 1], 0, self.values - 1)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        return tf.where(records[:, 0] == NULL, tf.zeros_like(losses), losses)


MODEL = Perceptron()
SIZE = dpsgd.size(MODEL.shapes)


def weights(seed: int, scale: float = 1.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, scale, SIZE)
