"""What privacy costs in time: an LSTM by DP-SGD, by Keras without privacy, by tensorflow-privacy.

    python -m tests.benchmarks.dpsgd_sequences [ROUNDS]

A round times some steps of each, one after the other; ratios are medians over the rounds of one
run, of elapsed time and of processor time (which other programs on the machine disturb less).
Keras is `fit` with Adam at a fixed batch; tensorflow-privacy is `fit` with `DPKerasAdamOptimizer`
and one microbatch per record, which is what clips each record.
"""

import sys
import time
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tests.benchmarks.sequence_model import LEARNING_RATE, fit, network, private_steps, sequences

Steps = Callable[[], None]


def private(batch: int, steps: int) -> Steps:
    """DP-SGD of this project, with noise, Poisson batches and its Adam."""
    engine = private_steps(sequences(20 * batch), batch)

    def run() -> None:
        for _ in range(steps):
            engine.step()

    return run


def without_privacy(batch: int, steps: int) -> Steps:
    """Keras as one would use it."""
    model = network()
    model.compile(
        tf.keras.optimizers.Adam(LEARNING_RATE),
        tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return lambda: fit(model, sequences(steps * batch), batch)


def tensorflow_privacy(batch: int, steps: int) -> Steps:
    """Per-example clipping by its Keras optimizer."""
    from tensorflow_privacy import DPKerasAdamOptimizer

    model = network()
    model.compile(
        DPKerasAdamOptimizer(
            l2_norm_clip=1.0,
            noise_multiplier=1.0,
            num_microbatches=batch,
            learning_rate=LEARNING_RATE,
        ),
        tf.keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction=tf.keras.losses.Reduction.NONE
        ),
    )
    return lambda: fit(model, sequences(steps * batch), batch)


def timed(run: Steps) -> tuple[float, float]:
    """Elapsed and processor seconds, set-up of `fit` included."""
    elapsed, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - elapsed, time.process_time() - processor


def compare(batch: int, steps: Mapping[str, int], rounds: int) -> None:
    """Print the speed of each method, as a multiple of the private step's time."""
    makers = {"private": private, "fit": without_privacy, "DPKerasAdam": tensorflow_privacy}
    runs = {name: makers[name](batch, count) for name, count in steps.items()}
    for run in runs.values():
        run()
    times = np.array(
        [[np.array(timed(run)) / steps[name] for name, run in runs.items()] for _ in range(rounds)]
    )
    for name, (elapsed, processor) in zip(runs, np.median(times, axis=0), strict=True):
        print(f"batch {batch}: {name} {1000 * elapsed:.0f} ms, {1000 * processor:.0f} ms processor")
    speeds = np.median(times[:, 1:] / times[:, :1], axis=0)
    for name, (elapsed, processor) in zip(list(runs)[1:], speeds, strict=True):
        print(
            f"batch {batch}: private is {elapsed:.2f} times as fast as {name}, "
            f"{processor:.2f} by processor time",
            flush=True,
        )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    compare(64, {"private": 10, "fit": 10}, rounds)
    compare(256, {"private": 3, "fit": 3}, rounds)
    compare(16, {"private": 10, "DPKerasAdam": 1}, rounds)


if __name__ == "__main__":
    main()
