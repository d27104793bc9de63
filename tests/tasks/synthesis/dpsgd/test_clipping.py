from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tasks.privacy.mechanism import SubsampledGaussian
from tasks.synthesis import dpsgd
from tasks.synthesis.dpsgd import Adam, DpSgd, Layers
from tasks.synthesis.errors import LayerError

BROKEN, NULL = 99, -1


@dataclass(frozen=True)
class Perceptron:
    """Two affine layers over one-hot records; record 99 has an infinite loss."""

    values: int = 5
    hidden: int = 3

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        return {
            "first/kernel": (self.values, self.hidden),
            "first/bias": (self.hidden,),
            "second/kernel": (self.hidden, self.values),
            "second/bias": (self.values,),
        }

    def losses(self, layers: Layers, records: tf.Tensor) -> tf.Tensor:
        inputs = tf.one_hot(records[:, 0], self.values, dtype=layers.dtype)
        inputs += tf.cast(tf.where(records[:, :1] == BROKEN, np.inf, 0.0), layers.dtype)
        hidden = tf.tanh(layers.affine("first", inputs))
        logits = layers.affine("second", hidden)
        labels = tf.clip_by_value(records[:, 1], 0, self.values - 1)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        return tf.where(records[:, 0] == NULL, tf.zeros_like(losses), losses)


MODEL = Perceptron()
SIZE = dpsgd.size(MODEL.shapes)


def weights(seed: int, scale: float = 1.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, scale, SIZE)


def per_example(flat: NDArray[np.float64], records: NDArray[np.int32]) -> NDArray[np.float64]:
    """Every record's gradient by automatic differentiation of its own loss, float64."""
    rows = []
    for record in records:
        variable = tf.constant(flat, tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(variable)
            layers = Layers(dpsgd.split(variable, MODEL.shapes), tf.float64)
            loss = MODEL.losses(layers, tf.constant(record[None]))[0]
        rows.append(tape.gradient(loss, variable).numpy())
    return np.array(rows).reshape(len(records), SIZE)


def clip(gradients: NDArray[np.float64], norm: float) -> NDArray[np.float64]:
    norms = np.linalg.norm(gradients, axis=1, keepdims=True)
    return np.asarray(gradients * np.minimum(1, norm / np.maximum(norms, 1e-300)))


records_of = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=9).map(
    lambda rows: np.array(rows, np.int32).reshape(-1, 2)
)


@settings(max_examples=25, deadline=None)
@given(records=records_of, seed=st.integers(0, 99), norm=st.sampled_from([0.01, 0.5, 3.0, 100.0]))
def test_the_clipped_sum_is_that_of_per_example_gradients(
    records: NDArray[np.int32], seed: int, norm: float
) -> None:
    flat = weights(seed, 2.0)
    ghost = dpsgd.clipped_sum(MODEL, tf.constant(flat), tf.constant(records), norm).numpy()
    reference = clip(per_example(flat, records), norm).sum(axis=0) * (1 - 1e-5)
    assert ghost == pytest.approx(reference, rel=1e-6, abs=1e-9 * norm)


def test_the_clipped_sum_is_that_of_tensorflow_privacy() -> None:
    from tensorflow_privacy.privacy.dp_query.gaussian_query import GaussianSumQuery

    records = np.array([[0, 1], [2, 2], [4, 0], [4, 1]], np.int32)
    flat = weights(3, 2.0)
    query = GaussianSumQuery(l2_norm_clip=0.7, stddev=0.0)
    state = query.initial_global_state()
    parameters = query.derive_sample_params(state)
    sample = query.initial_sample_state(tf.zeros(SIZE))
    for gradient in per_example(flat, records):
        record = tf.constant(gradient, tf.float32)
        sample = query.accumulate_record(parameters, sample, record)
    theirs, _, _ = query.get_noised_result(sample, state)
    ours = dpsgd.clipped_sum(
        MODEL, tf.constant(flat, tf.float32), tf.constant(records), 0.7
    ).numpy()
    assert ours == pytest.approx(theirs.numpy(), rel=1e-4, abs=3e-5)


@pytest.mark.parametrize("norm", [1e-3, 0.3, 1.0])
def test_no_record_moves_a_sum_by_more_than_the_clip_norm(norm: float) -> None:
    flat = tf.constant(weights(5, 30.0), tf.float32)
    for record in np.array([[i, j] for i in range(5) for j in range(5)], np.int32):
        moved = dpsgd.clipped_sum(MODEL, flat, tf.constant(record[None]), norm).numpy()
        assert np.linalg.norm(moved.astype(np.float64)) <= norm


def test_a_null_record_contributes_exactly_zero() -> None:
    flat = tf.constant(weights(5), tf.float32)
    nulls = tf.constant([[NULL, NULL]] * 3)
    assert (dpsgd.clipped_sum(MODEL, flat, nulls, 1.0).numpy() == 0).all()


def test_a_gradient_that_is_not_finite_counts_as_zero() -> None:
    flat = tf.constant(weights(5), tf.float32)
    good, bad = [[1, 2], [3, 0]], [[BROKEN, 0]]
    both = dpsgd.clipped_sum(MODEL, flat, tf.constant(good + bad), 1.0).numpy()
    alone = dpsgd.clipped_sum(MODEL, flat, tf.constant(bad), 1.0).numpy()
    assert (alone == 0).all()
    assert both == pytest.approx(
        dpsgd.clipped_sum(MODEL, flat, tf.constant(good), 1.0).numpy(), abs=1e-6
    )


def means(
    q: float, noise: float, records: NDArray[np.int32], chunk: int, steps: int = 1
) -> NDArray[np.float32]:
    """The noised mean gradients of steps at fixed weights, read off Adam's first moment."""
    adam = Adam.start(weights(1).astype(np.float32), learning_rate=0.0, averaging=0.9)
    mechanism = SubsampledGaussian(q, noise, steps, 0, l2_norm_clip=0.5)
    engine = DpSgd(MODEL, records, mechanism.begin(len(records)), adam, physical_batch=chunk)
    moments = [adam.first.copy()]
    for _ in range(steps):
        engine.step()
        moments.append(adam.first.copy())
    return (np.array(moments[1:]) - np.float32(0.9) * np.array(moments[:-1])) / np.float32(0.1)


RECORDS = np.random.default_rng(0).integers(0, 5, (40, 2)).astype(np.int32)
ALL = 1 - 1e-12


def test_rule_3_a_draw_larger_than_memory_is_the_same_step() -> None:
    (whole,), (chunked,) = means(ALL, 1e-9, RECORDS, 64), means(ALL, 1e-9, RECORDS, 7)
    assert chunked == pytest.approx(whole, abs=1e-6)
    assert np.linalg.norm(whole) > 0.01


@pytest.mark.parametrize("chunk", [1, 10, 1000])
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


def test_rule_1_no_random_op_and_no_xla_in_the_compiled_function() -> None:
    graph = dpsgd.compiled_clipped_sum(MODEL, RECORDS, 1.0)
    concrete = graph.get_concrete_function()  # type: ignore[attr-defined]
    functions = [concrete.graph, *concrete.graph._functions.values()]
    operations = [
        op.type
        for part in functions
        if hasattr(part, "get_operations")
        for op in part.get_operations()
    ]
    assert "MatMul" in operations
    assert not [name for name in operations if "random" in name.lower()]
    assert graph._jit_compile is False  # type: ignore[attr-defined]
    assert not concrete.function_def.attr["_XlaMustCompile"].b


def test_batches_of_every_size_share_one_trace() -> None:
    graph = dpsgd.compiled_clipped_sum(MODEL, RECORDS, 1.0)
    flat = tf.constant(weights(1), tf.float32)
    for batch in (0, 1, 7, 40):
        graph(flat, tf.constant(RECORDS[:batch]))
    assert graph.experimental_get_tracing_count() == 1  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Shared(Perceptron):
    """Applies one layer twice, which ghost norms would under-measure."""

    def losses(self, layers: Layers, records: tf.Tensor) -> tf.Tensor:
        inputs = tf.one_hot(records[:, 0], self.values, dtype=layers.dtype)
        return tf.reduce_sum(layers.affine("first", inputs) + layers.affine("first", inputs), 1)


@dataclass(frozen=True)
class Forgetful(Perceptron):
    """Uses a parameter outside every layer, which would go unclipped."""

    def losses(self, layers: Layers, records: tf.Tensor) -> tf.Tensor:
        inputs = tf.one_hot(records[:, 0], self.values, dtype=layers.dtype)
        return tf.reduce_sum(layers.affine("first", inputs), 1) * tf.reduce_sum(
            layers.parameters["second/bias"]
        )


@pytest.mark.parametrize(
    ("model", "text"), [(Shared(), "'first' is applied twice"), (Forgetful(), "second/bias")]
)
def test_layers_that_would_be_measured_wrongly_are_refused(model: Perceptron, text: str) -> None:
    flat = tf.zeros(SIZE)
    with pytest.raises(LayerError, match=text):
        dpsgd.clipped_sum(model, flat, tf.constant(RECORDS), 1.0)


def test_adam_is_keras_adam() -> None:
    start = weights(2).astype(np.float32)
    adam = Adam.start(start, 0.01, 0.9)
    variable = tf.Variable(start)
    keras = tf.keras.optimizers.legacy.Adam(0.01, epsilon=1e-8)
    for seed in range(5):
        gradient = weights(seed, 0.1)
        adam.update(gradient)
        keras.apply_gradients([(tf.constant(gradient, tf.float32), variable)])
    assert adam.weights == pytest.approx(variable.numpy(), abs=1e-6)


def test_the_average_of_constant_weights_is_the_weights() -> None:
    adam = Adam.start(np.ones(3, np.float32), 0.01, 0.98)
    assert adam.averaged.tolist() == [1, 1, 1]
    for _ in range(3):
        adam.update(np.zeros(3))
    assert adam.averaged == pytest.approx(np.ones(3), abs=1e-6)
