"""Ghost norms and clipped sums of every supported layer against Keras' own gradients, in float64.

Each variable by itself, over drawn shapes, for records of one row and of several.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tasks.synthesis.dpsgd import Adam, KerasModel, clipped_sum, size, squared_norms
from tests.tasks.synthesis.dpsgd.reference import (
    NULL,
    clip,
    float64,
    keras_gradients,
    next_tokens,
)

keras = tf.keras.layers
VALUES = 3


@dataclass(frozen=True)
class Sizes:
    """Drawn sizes of a network and its records."""

    vehicles: int
    trips: int
    steps: int
    width: int
    units: int
    seed: int

    def records(self) -> NDArray[np.int32]:
        """Tokens, shape (vehicles, trips, steps + 1); about a third of the rows are null."""
        generator = np.random.default_rng(self.seed)
        shape = (self.vehicles, self.trips, self.steps + 1)
        tokens = generator.integers(0, VALUES, shape).astype(np.int32)
        tokens[generator.random((self.vehicles, self.trips)) < 0.3] = NULL
        return tokens


sizes = st.builds(
    Sizes,
    vehicles=st.integers(0, 3),
    trips=st.integers(1, 3),
    steps=st.integers(1, 6),
    width=st.integers(1, 8),
    units=st.integers(1, 8),
    seed=st.integers(0, 1000),
)


# examples cost seconds: the one that fails is reported, not made smaller
DRAWN = settings(
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def over_features(sizes: Sizes, *layers: tf.keras.layers.Layer) -> KerasModel:
    """Layers over fixed features of the tokens, then logits without parameters of their own."""
    table = tf.constant(np.random.default_rng(1).normal(0, 1, (VALUES, sizes.width)))
    inputs = tf.keras.Input((sizes.steps, sizes.width), dtype=tf.float64)
    outputs = inputs
    for layer in layers:
        outputs = layer(outputs)
    outputs = keras.Dense(VALUES)(outputs)
    return next_tokens(tf.keras.Model(inputs, outputs), lambda tokens: tf.gather(table, tokens))


def attention(sizes: Sizes, causal: bool) -> KerasModel:
    inputs = tf.keras.Input((sizes.steps,), dtype=tf.int32)
    values = keras.Embedding(VALUES, sizes.width)(inputs)
    layer = keras.MultiHeadAttention(2, sizes.units, use_bias=causal)
    mixed = layer(values, values, use_causal_mask=causal)
    return next_tokens(tf.keras.Model(inputs, keras.Dense(VALUES)(mixed)))


def shared(sizes: Sizes) -> KerasModel:
    """One layer applied twice in a row, one table looked up twice."""
    inputs = tf.keras.Input((sizes.steps,), dtype=tf.int32)
    table, layer = keras.Embedding(VALUES, sizes.width), keras.Dense(sizes.width, "tanh")
    values = keras.Add()([table(inputs), layer(layer(table(inputs)))])
    return next_tokens(tf.keras.Model(inputs, keras.Dense(VALUES)(values)))


def composed(sizes: Sizes) -> KerasModel:
    """Most layers at once, with a nested model, a residual and a branch."""
    inputs = tf.keras.Input((sizes.steps,), dtype=tf.int32)
    values = keras.Embedding(VALUES, sizes.width)(inputs)
    states = tf.keras.Sequential(
        [
            keras.LSTM(sizes.units, return_sequences=True),
            keras.Dropout(0.5),
            keras.GRU(sizes.units, return_sequences=True),
        ]
    )(values)
    mixed = keras.MultiHeadAttention(1, sizes.units)(states, states)
    normed = keras.LayerNormalization()(keras.Add()([states, mixed]))
    joined = keras.Concatenate()([normed, values])
    last = keras.Flatten()(keras.ReLU()(keras.Dense(sizes.units)(joined)))
    return next_tokens(tf.keras.Model(inputs, keras.Dense(VALUES)(last)))


NETWORKS: Mapping[str, Callable[[Sizes], KerasModel]] = {
    "dense": lambda s: over_features(s, keras.Dense(s.units, "relu")),
    "dense, no bias": lambda s: over_features(s, keras.Dense(s.units, "gelu", use_bias=False)),
    "dense, one position": lambda s: over_features(s, keras.Flatten(), keras.Dense(s.units)),
    "embedding": lambda s: next_tokens(
        tf.keras.Sequential(
            [
                tf.keras.Input((s.steps,), dtype=tf.int32),
                keras.Embedding(VALUES, s.width),
                keras.Dense(VALUES),
            ]
        )
    ),
    "lstm": lambda s: over_features(s, keras.LSTM(s.units, return_sequences=True)),
    "lstm, last state": lambda s: over_features(s, keras.LSTM(s.units, use_bias=False)),
    "gru": lambda s: over_features(s, keras.GRU(s.units, return_sequences=True)),
    "gru, no bias": lambda s: over_features(s, keras.GRU(s.units, use_bias=False)),
    "gru, reset before": lambda s: over_features(s, keras.GRU(s.units, reset_after=False)),
    "layer norm": lambda s: over_features(s, keras.LayerNormalization()),
    "attention": lambda s: attention(s, causal=False),
    "causal attention": lambda s: attention(s, causal=True),
    "shared": shared,
    "composed": composed,
}


def trained(
    model: KerasModel, flat: NDArray[np.float64], records: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Weights after some steps on clipped sums."""
    adam = Adam.start(flat.astype(np.float32), learning_rate=0.1, averaging=0.9)
    for _ in range(5):
        at = tf.constant(adam.weights, tf.float64)
        adam.update(clipped_sum(model, at, records, 1.0, per_vehicle=True).numpy())
    return adam.weights.astype(np.float64)


def check(make: Callable[[Sizes], KerasModel], sizes: Sizes, train: bool) -> None:
    with float64():
        model = make(sizes)
    records = sizes.records()
    flat = np.random.default_rng(sizes.seed).normal(0, 0.5, size(model.shapes))
    if train:
        flat = trained(model, flat, records)
    model.write(flat)
    reference = keras_gradients(model, records)
    squared = squared_norms(model, tf.constant(flat), records, per_vehicle=True)
    assert set(squared) == set(reference)
    for name, gradients in reference.items():
        expected = np.square(gradients).sum(axis=tuple(range(1, gradients.ndim)))
        found = squared[name].numpy()
        assert np.sqrt(np.maximum(found, 0)) == pytest.approx(
            np.sqrt(expected), rel=1e-6, abs=1e-6
        ), name
        assert (found[(records == NULL).all(axis=(1, 2))] == 0).all()
    together = np.concatenate(
        [
            gradients.reshape(len(records), np.prod(model.shapes[name]))
            for name, gradients in reference.items()
        ],
        axis=1,
    )
    total = clipped_sum(model, tf.constant(flat), records, 0.5, per_vehicle=True).numpy()
    assert total == pytest.approx(clip(together, 0.5).sum(axis=0) * (1 - 1e-5), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", NETWORKS)
@settings(DRAWN, max_examples=3)
@given(sizes=sizes)
def test_norms_are_those_of_automatic_differentiation(name: str, sizes: Sizes) -> None:
    check(NETWORKS[name], sizes, train=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@settings(DRAWN, max_examples=12)
@given(sizes=sizes, train=st.booleans())
def test_norms_over_many_shapes_before_and_after_training(
    name: str, sizes: Sizes, train: bool
) -> None:
    check(NETWORKS[name], sizes, train)


def test_norms_after_training() -> None:
    check(composed, Sizes(vehicles=3, trips=2, steps=4, width=3, units=4, seed=1), train=True)
