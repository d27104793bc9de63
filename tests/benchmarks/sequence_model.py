"""The network and the data of the DP-SGD benchmarks: tokens predicted by two LSTMs."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.privacy.mechanism import SubsampledGaussian
from tasks.synthesis.dpsgd import Adam, DpSgd, KerasModel

VALUES, STEPS = 40, 40
LEARNING_RATE = 1e-3
AT_ONCE = 96


def network() -> tf.keras.Sequential:
    """Embedding 256, two LSTMs of 256, a dense layer over the alphabet: 1.08 million weights."""
    return tf.keras.Sequential(
        [
            tf.keras.Input((STEPS,), dtype=tf.int32),
            tf.keras.layers.Embedding(VALUES, 256),
            tf.keras.layers.LSTM(256, return_sequences=True),
            tf.keras.layers.LSTM(256, return_sequences=True),
            tf.keras.layers.Dense(VALUES),
        ]
    )


def sequences(rows: int) -> NDArray[np.int32]:
    """Random tokens, shape (rows, STEPS + 1)."""
    return np.random.default_rng(0).integers(0, VALUES, (rows, STEPS + 1)).astype(np.int32)


def private_steps(records: NDArray[np.int32], batch: int) -> DpSgd:
    """DP-SGD at an expected batch, ready to step; more than `AT_ONCE` records go in chunks."""
    model = KerasModel(network(), lambda rows: rows[:, :-1], _losses)
    mechanism = SubsampledGaussian(batch / len(records), 1.0, 100_000, 0, 1.0)
    adam = Adam.start(model.start(), LEARNING_RATE, 0.98)
    return DpSgd(model, records, mechanism.begin(len(records)), adam, AT_ONCE)


def _losses(rows: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=rows[:, 1:], logits=logits)
    return tf.reduce_mean(losses, axis=1)


def fit(model: tf.keras.Model, records: NDArray[np.int32], batch: int) -> None:
    """One epoch of `fit`."""
    model.fit(records[:, :-1], records[:, 1:], batch_size=batch, verbose=0)
