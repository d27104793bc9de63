"""What privacy costs in memory: the peak of a process that trains an LSTM with and without it.

    python -m tests.benchmarks.dpsgd_memory

Each way of training has a process of its own; beside the peak stands what remains of it when the
peak of a process that only imports TensorFlow is subtracted.
"""

import resource
import subprocess
import sys

import tensorflow as tf

from tests.benchmarks.sequence_model import LEARNING_RATE, fit, network, private_steps, sequences

BATCHES, STEPS = (64, 256), 4
MIB = 1024 if sys.platform == "linux" else 1024**2


def train(way: str, batch: int) -> None:
    """Some steps of one way of training."""
    if way == "private":
        engine = private_steps(sequences(20 * batch), batch)
        for _ in range(STEPS):
            engine.step()
    elif way == "without":
        model = network()
        model.compile(
            tf.keras.optimizers.Adam(LEARNING_RATE),
            tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        fit(model, sequences(20 * batch)[: STEPS * batch], batch)


def peak_mib(way: str, batch: int) -> float:
    """The peak resident size of a process that trains."""
    command = [sys.executable, "-m", "tests.benchmarks.dpsgd_memory", way, str(batch)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    if len(sys.argv) > 1:
        train(sys.argv[1], int(sys.argv[2]))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB)
        return
    imports = peak_mib("nothing", 0)
    for batch in BATCHES:
        private, without = peak_mib("private", batch), peak_mib("without", batch)
        print(
            f"batch {batch}: private {private:.0f} MiB, without {without:.0f} MiB, "
            f"ratio {private / without:.2f}; beyond the {imports:.0f} MiB of the imports "
            f"{private - imports:.0f} and {without - imports:.0f} MiB, "
            f"ratio {(private - imports) / (without - imports):.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
