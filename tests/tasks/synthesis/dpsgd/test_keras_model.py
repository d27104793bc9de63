from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tasks.privacy.mechanism import SubsampledGaussian
from tasks.synthesis.dpsgd import (
    DpSgd,
    KerasModel,
    Precision,
    Sgd,
    clipped_sum,
    compiled_clipped_sum,
)
from tasks.synthesis.errors import LayerError
from tests.tasks.synthesis.dpsgd.reference import next_tokens
from tests.tasks.synthesis.dpsgd.test_norms import Sizes, composed

SEED = tf.zeros(2, tf.int32)
keras = tf.keras.layers
Make = Callable[[], Sequence[tf.keras.layers.Layer]]


def frozen() -> Sequence[tf.keras.layers.Layer]:
    layer = keras.Dense(3, name="culprit")
    layer.trainable = False
    return [layer]


REFUSED: dict[str, tuple[Make, str]] = {
    "batch norm": (lambda: [keras.BatchNormalization(name="culprit")], "is not supported"),
    "convolution": (lambda: [keras.Conv1D(3, 2, name="culprit")], "is not supported"),
    "lambda": (lambda: [keras.Lambda(lambda x: x[::-1], name="culprit")], "is not supported"),
    "bidirectional": (
        lambda: [keras.Bidirectional(keras.LSTM(3), name="culprit")],
        "is not supported",
    ),
    "softmax over rows": (lambda: [keras.Softmax(axis=0, name="culprit")], "with axis as set"),
    "layer norm over rows": (
        lambda: [keras.LayerNormalization(axis=1, name="culprit")],
        "over the last axis only",
    ),
    "any function": (
        lambda: [keras.Dense(3, activation=lambda x: x[::-1], name="culprit")],
        "with activation as set",
    ),
    "other recurrent activation": (
        lambda: [keras.GRU(3, activation="relu", dropout=0.1, name="culprit")],
        "with activation, dropout as set",
    ),
    "regularised": (
        lambda: [keras.Dense(3, kernel_regularizer="l2", name="culprit")],
        "with kernel_regularizer as set",
    ),
    "frozen": (frozen, "is frozen"),
}


def one_sum(network: tf.keras.Model) -> None:
    """Wrap a network and use it once: how a layer is called is seen only then."""
    model = next_tokens(network)
    clipped_sum(model, tf.constant(model.start()), tf.zeros((2, 5), tf.int32), 1.0)


@pytest.mark.parametrize("name", REFUSED)
def test_layers_that_are_not_known_are_refused_by_name(name: str) -> None:
    make, text = REFUSED[name]
    network = tf.keras.Sequential(
        [
            tf.keras.Input((4,), dtype=tf.int32),
            keras.Embedding(3, 5),
            tf.keras.Sequential(make(), name="inner"),
        ]
    )
    with pytest.raises(LayerError, match=rf"'inner/culprit'.*{text}") as caught:
        one_sum(network)
    assert "\n" not in str(caught.value)


def test_masks_are_refused() -> None:
    network = tf.keras.Sequential(
        [tf.keras.Input((4,), dtype=tf.int32), keras.Embedding(3, 5, mask_zero=True, name="table")]
    )
    with pytest.raises(LayerError, match=r"'table'.*with mask_zero as set"):
        next_tokens(network)


def test_attention_with_a_mask_of_its_own_is_refused() -> None:
    inputs = tf.keras.Input((4,), dtype=tf.int32)
    values = keras.Embedding(3, 5)(inputs)
    mask = tf.ones((1, 4, 4), tf.bool)
    outputs = keras.MultiHeadAttention(1, 2, name="look")(values, values, attention_mask=mask)
    with pytest.raises(LayerError, match=r"'look'.*called with .*attention_mask"):
        one_sum(tf.keras.Model(inputs, outputs))


def test_a_subclassed_model_is_refused() -> None:
    class Own(tf.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.Dense(3)

        def call(self, inputs: tf.Tensor) -> tf.Tensor:
            return self.dense(inputs)

    with pytest.raises(LayerError, match="functional or Sequential"):
        KerasModel(Own(), lambda records: records, lambda records, outputs: outputs[:, 0])


def test_several_inputs_and_outputs_are_walked() -> None:
    left, right = tf.keras.Input((3,), name="left"), tf.keras.Input((3,), name="right")
    layer = keras.Dense(2)
    network = tf.keras.Model([left, right], [layer(left), keras.Subtract()([left, right])])
    model = KerasModel(
        network,
        lambda records: [tf.one_hot(records[:, 0], 3), tf.one_hot(records[:, 1], 3)],
        lambda records, outputs: tf.reduce_sum(outputs[0], 1) + tf.reduce_sum(outputs[1], 1),
    )
    records = tf.constant([[0, 1], [2, 2]])
    total = clipped_sum(model, tf.constant(model.start()), records, 100.0).numpy()
    assert total == pytest.approx([1, 1, 0, 0, 1, 1, 2, 2], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("compute", ["float16", None, "bfloat16"])
def test_a_graph_of_many_layers_serves_all_batches_and_precisions(compute: str | None) -> None:
    model = composed(Sizes(vehicles=9, trips=2, steps=4, width=3, units=4, seed=1))
    records = np.random.default_rng(1).integers(0, 3, (9, 2, 5)).astype(np.int32)
    flat = tf.constant(np.random.default_rng(2).normal(0, 0.5, len(model.start())), tf.float32)
    graph: Any = compiled_clipped_sum(
        model, records, 0.5, per_vehicle=True, precision=Precision(compute, loss_scale=8.0)
    )
    # a seed makes layers drop, so the graph is compared with itself in parts
    parts = [graph(flat, tf.constant(part), SEED).numpy() for part in np.split(records, [0, 1, 3])]
    assert graph.experimental_get_tracing_count() == 1
    assert (parts[0] == 0).all()
    assert all(np.linalg.norm(part) > 0.01 for part in parts[1:])
    plain = clipped_sum(model, flat, tf.constant(records), 0.5, per_vehicle=True).numpy()
    half = clipped_sum(
        model,
        flat,
        tf.constant(records),
        0.5,
        per_vehicle=True,
        precision=Precision(compute, loss_scale=8.0),
    ).numpy()
    assert half == pytest.approx(plain, abs=0.05 * float(np.linalg.norm(plain)))


def test_weights_go_in_and_come_out_and_steps_learn() -> None:
    network = tf.keras.Sequential(
        [
            tf.keras.Input((4,), dtype=tf.int32),
            keras.Embedding(3, 5),
            keras.LSTM(6, return_sequences=True),
            keras.Dense(3),
        ]
    )
    model = next_tokens(network)
    assert sum(np.prod(shape) for shape in model.shapes.values()) == network.count_params()
    records = (np.arange(200)[:, None] + np.arange(5)).astype(np.int32) % 3
    model.write(np.random.default_rng(0).normal(0, 0.3, model.start().shape).astype(np.float32))
    sgd = Sgd.start(model.start(), learning_rate=1.0, averaging=0.5)
    run = SubsampledGaussian(0.5, 0.5, 60, 0, 1.0).begin(200)
    engine = DpSgd(model, records, run, sgd)
    for _ in range(60):
        engine.step()
    before = network(records[:, :-1]).numpy().argmax(axis=2)
    model.write(sgd.averaged)
    assert (model.start() == sgd.averaged).all()
    after = network(records[:, :-1]).numpy().argmax(axis=2)
    assert (before == records[:, 1:]).mean() < 0.7
    assert (after == records[:, 1:]).mean() > 0.95
