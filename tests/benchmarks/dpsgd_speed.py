"""What privacy costs in time: a DP-SGD step of trip_net against the same step without privacy.

    python -m tests.benchmarks.dpsgd_speed

The step without privacy draws the same Poisson batches and updates with the same Adam; its
gradient comes from one ordinary backward pass, unclipped and unnoised. Ratios are of medians over
interleaved rounds of one run; above 1 the private step is the slower one.
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

ROUNDS, STEPS = 15, 10


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


def seconds(step: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - start) / STEPS


def main() -> None:
    for areas, trips, q in ((1, 8000, 0.1), (1, 8000, 0.5), (10, 26_000, 0.1)):
        settings = TripNet()
        grid = Grid(boxes(areas), settings.levels)
        network = TripNetwork(grid, settings)
        records = grid.encode(simulated_day(boxes(areas), trips, 1))
        private, plain = (make(network, records, q) for make in (private_step, plain_step))
        seconds(private)
        seconds(plain)
        times = np.array([(seconds(private), seconds(plain)) for _ in range(ROUNDS)])
        with_privacy, without = np.median(times, axis=0)
        print(
            f"{areas:2d} areas, {trips} trips, expected batch {q * trips:.0f}, "
            f"{dpsgd.size(network.shapes)} parameters: private {1000 * with_privacy:.1f} ms, "
            f"without {1000 * without:.1f} ms a step; ratio {with_privacy / without:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
