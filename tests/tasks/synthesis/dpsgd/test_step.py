import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from tasks.privacy.mechanism import SubsampledGaussian
from tasks.synthesis import dpsgd
from tasks.synthesis.dpsgd import DpSgd, KerasModel, Momentum
from tests.tasks.synthesis.dpsgd.perceptron import MODEL, NULL, weights

RECORDS = np.random.default_rng(0).integers(0, 5, (40, 2)).astype(np.int32)
ALL = 1 - 1e-12


def means(
    q: float,
    noise: float,
    records: NDArray[np.int32],
    chunk: int,
    steps: int = 1,
    devices: Sequence[str] = (),
) -> NDArray[np.float32]:
    """The noised mean gradients of steps at fixed weights, read off the sum of a momentum."""
    optimizer = Momentum.start(weights(1).astype(np.float32), learning_rate=0.0, averaging=0.9)
    mechanism = SubsampledGaussian(q, noise, steps, 0, l2_norm_clip=0.5)
    engine = DpSgd(
        MODEL,
        records,
        mechanism.begin(len(records)),
        optimizer,
        physical_batch=chunk,
        per_vehicle=records.ndim == 3,
        devices=devices,
    )
    sums = [optimizer.velocity.copy()]
    for _ in range(steps):
        engine.step()
        sums.append(optimizer.velocity.copy())
    return np.array(sums[1:]) - np.float32(0.9) * np.array(sums[:-1])


def test_rule_3_a_draw_larger_than_memory_is_the_same_step() -> None:
    (whole,), (chunked,) = means(ALL, 1e-9, RECORDS, 64), means(ALL, 1e-9, RECORDS, 7)
    assert chunked == pytest.approx(whole, abs=1e-6)
    assert np.linalg.norm(whole) > 0.01


@pytest.mark.parametrize("chunk", [10, 1000])
def test_noise_is_added_once_per_step_whatever_the_chunks(chunk: int) -> None:
    nulls = np.full((200, 2), NULL, np.int32)
    draws = means(0.5, 4.0, nulls, chunk, steps=60)
    assert draws.std() == pytest.approx(4.0 * 0.5 / (0.5 * 200), rel=0.12)


def test_rule_3_an_empty_draw_is_a_step_of_pure_noise() -> None:
    (mean,) = means(1e-12, 2.0, RECORDS, 8)
    assert np.isfinite(mean).all()
    assert mean.std() == pytest.approx(2.0 * 0.5 / (1e-12 * 40), rel=0.5)


def test_the_mean_divides_by_the_public_expected_batch() -> None:
    flat = weights(1).astype(np.float32)
    total = dpsgd.clipped_sum(MODEL, tf.constant(flat), tf.constant(RECORDS), 0.5).numpy()
    assert means(ALL, 1e-9, RECORDS, 64)[0] == pytest.approx(total / 40, abs=1e-6)
    # half of the records, in expectation: the realised number would divide by about 20
    halves = means(0.5, 1e-9, RECORDS, 64, steps=300).mean(axis=0)
    assert np.linalg.norm(halves - total / 40) < 0.25 * np.linalg.norm(total / 40)


def test_vehicles_are_drawn_and_divided_by_as_vehicles() -> None:
    vehicles = RECORDS[:36].reshape(12, 3, 2)
    flat = tf.constant(weights(1), tf.float32)
    total = dpsgd.clipped_sum(MODEL, flat, tf.constant(vehicles), 0.5, per_vehicle=True).numpy()
    for chunk in (5, 64):
        assert means(ALL, 1e-9, vehicles, chunk)[0] == pytest.approx(total / 12, abs=1e-6)


def dropping(seed: int | None = None) -> NDArray[np.float32]:
    keras = tf.keras.layers
    network = tf.keras.Sequential(
        [tf.keras.Input((8,)), keras.Dropout(0.5), keras.Dense(1, kernel_initializer="ones")]
    )
    model = KerasModel(
        network,
        lambda records: tf.one_hot(records[:, 0], 8),
        lambda records, outputs: outputs[:, 0],
    )
    records = tf.constant(np.arange(8, dtype=np.int32).repeat(20)[:, None])
    given = None if seed is None else tf.constant([0, seed])
    return np.asarray(
        dpsgd.clipped_sum(model, tf.constant(model.start()), records, 100.0, seed=given).numpy()
    )


def test_dropout_is_a_function_of_the_seed() -> None:
    kernel = dropping()[:8]
    assert kernel == pytest.approx(np.full(8, 20 * (1 - 1e-5)))
    masked, again, other = dropping(1), dropping(1), dropping(2)
    assert (masked == again).all()
    assert (masked != other).any()
    # each kept entry counts twice, and half of them are kept: records draw by themselves
    assert masked[:8].mean() == pytest.approx(20, abs=5)
    assert len(set(masked[:8].round().tolist())) > 1


def test_rule_1_every_step_and_chunk_drops_by_fresh_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[tuple[int, ...]] = []

    def compiled(*_: object, **__: object) -> object:
        def clipped_sum(flat: tf.Tensor, chunk: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
            seeds.append(tuple(seed.numpy().tolist()))
            return tf.zeros_like(flat)

        return clipped_sum

    monkeypatch.setattr("tasks.synthesis.dpsgd.step.compiled_clipped_sum", compiled)
    for _ in range(2):
        means(ALL, 1.0, RECORDS, 10, steps=3)
    assert len(seeds) == len(set(seeds)) == 2 * 3 * 4


TWO_DEVICES = """
import numpy as np, tensorflow as tf
cpu, = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tasks.synthesis.dpsgd import compiled_clipped_sum
from tests.tasks.synthesis.dpsgd.perceptron import MODEL, NULL
from tests.tasks.synthesis.dpsgd.test_step import ALL, RECORDS, means
two = ("/cpu:0", "/cpu:1")
one_mean, two_mean = (means(ALL, 1e-9, RECORDS, 7, devices=devices) for devices in ((), two))
assert np.abs(one_mean - two_mean).max() < 1e-6 < np.linalg.norm(one_mean) / 100
for device in two:
    graph = compiled_clipped_sum(MODEL, RECORDS, 1.0, device=device)
    operations = graph.get_concrete_function().graph.get_operations()
    assert {op.device[-5:].lower() for op in operations if op.type == "MatMul"} == {device[1:]}
nulls = np.full((40, 2), NULL, np.int32)
print(means(0.5, 4.0, nulls, 1000, steps=60, devices=two).std())
"""


@pytest.mark.slow
def test_two_devices_share_a_step_and_its_one_noise() -> None:
    run = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert float(run.stdout) == pytest.approx(4.0 * 0.5 / (0.5 * 40), rel=0.12)
