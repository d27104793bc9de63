"""What privacy costs in time: a DP-SGD step of trip_net against steps without privacy.

    python -m tests.benchmarks.dpsgd_speed

Two of those: Keras `fit` with its Adam on fixed batches, as one would train the same network; and
the bare step, which draws the same Poisson batches and updates with the same Adam as the private
one, its gradient from one ordinary backward pass, unclipped and unnoised. Ratios are medians over
interleaved rounds of one run, of elapsed time and of processor time (which other programs on the
machine disturb less).
"""

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tasks.cities.gravity import boxes, simulated_day
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region import TripNet
from tasks.synthesis import dpsgd
from tasks.synthesis.dpsgd import Adam, DpSgd, Layers
from tasks.synthesis.grid import Grid, Tokens
from tasks.synthesis.trip_net import TripNetwork

ROUNDS, STEPS = 15, 20

Steps = Callable[[], None]


class Fitted(tf.keras.Model):
    """The network as a Keras model, for `fit` on records."""

    def __init__(self, network: TripNetwork) -> None:
        super().__init__()
        self.network = network
        start = dpsgd.split(tf.constant(network.start()), network.shapes)
        self.parameters = {name: tf.Variable(value, name=name) for name, value in start.items()}

    def train_step(self, data: tf.Tensor) -> dict[str, tf.Tensor]:
        """One step of `fit`."""
        with tf.GradientTape() as tape:
            losses = self.network.losses(Layers(self.parameters, tf.float32), data)
            loss = tf.reduce_mean(losses)
        variables = list(self.parameters.values())
        gradients = tape.gradient(loss, variables)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return {"loss": loss}


def fit_steps(network: TripNetwork, records: Tokens, q: float) -> Steps:
    """Keras `fit` on batches of the expected size."""
    batch = round(q * len(records))
    model = Fitted(network)
    model.compile(tf.keras.optimizers.Adam(0.01))
    rows = np.resize(records, (STEPS * batch, records.shape[1]))
    return lambda: model.fit(rows, batch_size=batch, epochs=1, verbose=0)


def plain_steps(network: TripNetwork, records: Tokens, q: float) -> Steps:
    """Steps without clipping and noise."""

    def mean_gradient(flat: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(flat)
            layers = Layers(dpsgd.split(flat, network.shapes), flat.dtype)
            loss = tf.reduce_sum(network.losses(layers, batch))
        return tape.gradient(loss, flat)

    graph = tf.function(
        mean_gradient,
        input_signature=[
            tf.TensorSpec([dpsgd.size(network.shapes)], tf.float32),
            tf.TensorSpec([None, records.shape[1]], tf.int32),
        ],
    )
    adam = Adam.start(network.start(), 0.01, 0.98)
    generator = np.random.default_rng(1)

    def run() -> None:
        for _ in range(STEPS):
            batch = records[np.flatnonzero(generator.random(len(records)) < q)]
            total = graph(tf.constant(adam.weights), tf.constant(batch)).numpy()
            adam.update(total.astype(np.float64) / (q * len(records)))

    return run


def private_steps(network: TripNetwork, records: Tokens, q: float) -> Steps:
    """Steps of `tasks.synthesis.dpsgd`."""
    mechanism = SubsampledGaussian(q, 5.0, (ROUNDS + 1) * STEPS, 0, 1.0)
    adam = Adam.start(network.start(), 0.01, 0.98)
    engine = DpSgd(network, records, mechanism.begin(len(records)), adam, 1 << 20)

    def run() -> None:
        for _ in range(STEPS):
            engine.step()

    return run


def timed(run: Steps) -> tuple[float, float]:
    """Elapsed and processor seconds of a step."""
    elapsed, processor = time.perf_counter(), time.process_time()
    run()
    return (time.perf_counter() - elapsed) / STEPS, (time.process_time() - processor) / STEPS


def main() -> None:
    for areas, trips, q in ((1, 8000, 0.1), (1, 8000, 0.5), (10, 26_000, 0.1)):
        settings = TripNet()
        grid = Grid(boxes(areas), settings.levels)
        network = TripNetwork(grid, settings)
        records = grid.encode(simulated_day(boxes(areas), trips, 1))
        makers = (private_steps, fit_steps, plain_steps)
        ways = [make(network, records, q) for make in makers]
        for way in ways:
            timed(way)
        times = np.array([[timed(way) for way in ways] for _ in range(ROUNDS)])
        fit, plain = np.median(times[:, 1:] / times[:, :1], axis=0)
        milliseconds = 1000 * np.median(times[:, :, 0], axis=0)
        print(
            f"{areas:2d} areas, {trips} trips, expected batch {q * trips:.0f}, "
            f"{dpsgd.size(network.shapes)} parameters: private {milliseconds[0]:.1f} ms, "
            f"fit {milliseconds[1]:.1f} ms, bare {milliseconds[2]:.1f} ms a step; private is "
            f"{fit[0]:.2f} times as fast as fit ({fit[1]:.2f} by processor time), "
            f"{plain[0]:.2f} times as the bare step ({plain[1]:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
