"""What privacy costs in time: a DP-SGD step of trip_net against the same step without privacy.

    python -m tests.benchmarks.dpsgd_speed

The step without privacy draws the same Poisson batches and updates with the same Adam; its
gradient comes from one ordinary backward pass, unclipped and unnoised. Ratios are medians over
interleaved rounds of one run, of elapsed time and of processor time (which other programs on the
machine disturb less).
"""

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region import TripNet
from tasks.synthesis import dpsgd
from tasks.synthesis.dpsgd import Adam, DpSgd, Layers
from tasks.synthesis.grid import Grid, Tokens
from tasks.synthesis.trip_net import TripNetwork
from tests.benchmarks.cities.gravity import boxes, simulated_day

ROUNDS, STEPS = 30, 4


def plain_step(network: TripNetwork, records: Tokens, q: float) -> Callable[[], None]:
    """A training step without clipping and noise."""

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

    def step() -> None:
        batch = records[np.flatnonzero(generator.random(len(records)) < q)]
        total = graph(tf.constant(adam.weights), tf.constant(batch)).numpy()
        adam.update(total.astype(np.float64) / (q * len(records)))

    return step


def private_step(network: TripNetwork, records: Tokens, q: float) -> Callable[[], None]:
    """The step of `tasks.synthesis.dpsgd`."""
    mechanism = SubsampledGaussian(q, 5.0, (ROUNDS + 1) * STEPS, 0, 1.0)
    adam = Adam.start(network.start(), 0.01, 0.98)
    return DpSgd(network, records, mechanism.begin(len(records)), adam, 1 << 20).step


def timed(step: Callable[[], None]) -> tuple[float, float]:
    """Elapsed and processor seconds of a step."""
    elapsed, processor = time.perf_counter(), time.process_time()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - elapsed) / STEPS, (time.process_time() - processor) / STEPS


def main() -> None:
    for areas, trips, q in ((1, 8000, 0.1), (1, 8000, 0.5), (10, 26_000, 0.1)):
        settings = TripNet()
        grid = Grid(boxes(areas), settings.levels)
        network = TripNetwork(grid, settings)
        records = grid.encode(simulated_day(boxes(areas), trips, 1))
        private, plain = (make(network, records, q) for make in (private_step, plain_step))
        timed(private)
        timed(plain)
        times = np.array([(timed(private), timed(plain)) for _ in range(ROUNDS)])
        elapsed, processor = np.median(times[:, 1] / times[:, 0], axis=0)
        milliseconds = 1000 * np.median(times[:, :, 0], axis=0)
        print(
            f"{areas:2d} areas, {trips} trips, expected batch {q * trips:.0f}, "
            f"{dpsgd.size(network.shapes)} parameters: private {milliseconds[0]:.1f} ms, "
            f"without {milliseconds[1]:.1f} ms a step; private is {elapsed:.2f} times as fast, "
            f"{processor:.2f} by processor time",
            flush=True,
        )


if __name__ == "__main__":
    main()
