"""Training without privacy: what is known of it must not be published.

Nothing that makes a release may import this file. It is for studies, for simulated rows, and for
tables whose owner asks for a model without a guarantee.
"""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from tasks.synthesis import dpsgd
from tasks.synthesis.char_lstm.network import CharNetwork, Records

Gradient = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class PlainTraining:
    """Steps over shuffled batches, every row once in an epoch.

    Args:
        network: What is trained.
        records: Shape (n, symbols), n >= 1.
        seed: Draws starting weights, batches and dropout.
    """

    def __init__(self, network: CharNetwork, records: Records, seed: int) -> None:
        settings = network.settings
        self._records = records
        self._batch = settings.batch
        self._generator = np.random.default_rng(seed)
        self._optimizer = dpsgd.OPTIMIZERS[settings.optimizer].start(
            network.start(seed), settings.learning_rate, settings.weight_averaging
        )
        self._gradient = _compiled_gradient(network)
        self._batches = self._drawn()
        self.steps_per_epoch = -(-len(records) // settings.batch)
        self.steps = settings.epochs * self.steps_per_epoch

    @property
    def weights(self) -> dpsgd.Vector:
        """The weights now, averaged as the settings say, shape (size,)."""
        return self._optimizer.averaged

    def step(self) -> float:
        """One step; returns the mean loss of its batch, nats a character."""
        batch, seed = next(self._batches), self._generator.integers(2**31, size=2, dtype=np.int32)
        loss, gradient = self._gradient(
            tf.constant(self._optimizer.weights), tf.constant(batch), tf.constant(seed)
        )
        self._optimizer.update(gradient.numpy())
        return float(loss)

    def _drawn(self) -> Iterator[Records]:
        while True:
            order = self._generator.permutation(len(self._records))
            for first in range(0, len(order), self._batch):
                yield self._records[order[first : first + self._batch]]


def train_plainly(
    network: CharNetwork,
    records: Records,
    seed: int,
    on_epoch: Callable[[int, float], None] = lambda epoch, loss: None,
) -> dpsgd.Vector:
    """Train without privacy for all epochs of the settings.

    Args:
        network: What is trained.
        records: Shape (n, symbols), n >= 1.
        seed: Draws starting weights, batches and dropout.
        on_epoch: Told the number of each epoch, from 1, and the mean loss of its batches.

    Returns:
        The weights, shape (size,).
    """
    training = PlainTraining(network, records, seed)
    for epoch in range(1, network.settings.epochs + 1):
        losses = [training.step() for _ in range(training.steps_per_epoch)]
        on_epoch(epoch, float(np.mean(losses)))
    return training.weights


def _compiled_gradient(network: CharNetwork) -> Gradient:
    """The mean loss of a batch and its gradient, as a graph; no XLA."""

    def run(flat: tf.Tensor, records: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(flat)
            layers = dpsgd.Layers(dpsgd.split(flat, network.shapes), flat.dtype, seed)
            loss = tf.reduce_mean(network.losses(layers, records))
        return loss, tape.gradient(loss, flat)

    signature = [
        tf.TensorSpec([dpsgd.size(network.shapes)], tf.float32),
        tf.TensorSpec([None, network.table.line_length + 2], tf.int32),
        tf.TensorSpec([2], tf.int32),
    ]
    graph: Gradient = tf.function(
        run, input_signature=signature, jit_compile=False, autograph=False
    ).get_concrete_function()
    return graph
