from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tasks.synthesis import dpsgd
from tasks.synthesis.dpsgd import Layers, Precision
from tasks.synthesis.errors import LayerError
from tests.tasks.synthesis.dpsgd.perceptron import BROKEN, MODEL, NULL, SIZE, Perceptron, weights
from tests.tasks.synthesis.dpsgd.reference import clip, flat_gradients

RECORDS = np.random.default_rng(0).integers(0, 5, (40, 2)).astype(np.int32)

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
    reference = clip(flat_gradients(MODEL, flat, records), norm).sum(axis=0) * (1 - 1e-5)
    assert ghost == pytest.approx(reference, rel=1e-6, abs=1e-9 * norm)


def test_the_clipped_sum_is_that_of_tensorflow_privacy() -> None:
    from tensorflow_privacy.privacy.dp_query.gaussian_query import GaussianSumQuery

    records = np.array([[0, 1], [2, 2], [4, 0], [4, 1]], np.int32)
    flat = weights(3, 2.0)
    query = GaussianSumQuery(l2_norm_clip=0.7, stddev=0.0)
    state = query.initial_global_state()
    parameters = query.derive_sample_params(state)
    sample = query.initial_sample_state(tf.zeros(SIZE))
    for gradient in flat_gradients(MODEL, flat, records):
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


def test_rule_1_no_random_op_and_no_xla_in_the_compiled_function() -> None:
    graph: Any = dpsgd.compiled_clipped_sum(MODEL, RECORDS, 1.0)
    concrete = graph.get_concrete_function()
    functions = [concrete.graph, *concrete.graph._functions.values()]
    operations = [
        op.type
        for part in functions
        if hasattr(part, "get_operations")
        for op in part.get_operations()
    ]
    assert "MatMul" in operations
    assert not [name for name in operations if "random" in name.lower()]
    assert graph._jit_compile is False
    assert not concrete.function_def.attr["_XlaMustCompile"].b


def test_batches_of_every_size_share_one_trace() -> None:
    graph: Any = dpsgd.compiled_clipped_sum(MODEL, RECORDS, 1.0)
    flat = tf.constant(weights(1), tf.float32)
    for batch in (0, 1, 7, 40):
        graph(flat, tf.constant(RECORDS[:batch]), tf.zeros(2, tf.int32))
    assert graph.experimental_get_tracing_count() == 1


@dataclass(frozen=True)
class Changed(Perceptron):
    """A perceptron whose loss is another function of its layers."""

    change: Callable[[Layers, tf.Tensor], tf.Tensor] | None = None

    def losses(self, layers: Layers, records: tf.Tensor) -> tf.Tensor:
        assert self.change is not None
        return super().losses(layers, records) + tf.reduce_sum(self.change(layers, records), axis=1)


def one_hot(layers: Layers, records: tf.Tensor) -> tf.Tensor:
    return tf.one_hot(records[:, 1], 5, dtype=layers.dtype)


def test_a_layer_applied_twice_adds_up_before_the_norm() -> None:
    model = Changed(change=lambda layers, records: layers.affine("first", one_hot(layers, records)))
    flat, records = weights(4), RECORDS[:6]
    ghost = dpsgd.clipped_sum(model, tf.constant(flat), tf.constant(records), 0.5).numpy()
    reference = clip(flat_gradients(model, flat, records), 0.5).sum(axis=0) * (1 - 1e-5)
    assert ghost == pytest.approx(reference, rel=1e-6, abs=1e-9)


MASK = np.random.default_rng(3).integers(0, 2, (5, 3)).astype(np.float64)


@dataclass(frozen=True)
class Masked(Perceptron):
    """A perceptron whose first kernel has held-at-zero entries, at one position or several."""

    steps: int = 1

    def losses(self, layers: Layers, records: tf.Tensor) -> tf.Tensor:
        inputs = tf.one_hot(records[:, : self.steps], self.values, dtype=layers.dtype)
        inputs = inputs + tf.one_hot(records[:, 1:2], self.values, dtype=layers.dtype)
        if self.steps == 1:
            inputs = inputs[:, 0]
        hidden = tf.tanh(layers.affine("first", inputs, mask=tf.cast(MASK, layers.dtype)))
        outputs = tf.square(layers.affine("second", hidden))
        return tf.reduce_sum(outputs, axis=list(range(1, len(outputs.shape))))


@pytest.mark.parametrize("steps", [1, 2])
def test_entries_held_at_zero_have_no_gradient_and_no_norm(steps: int) -> None:
    model, flat, records = Masked(steps=steps), weights(6), RECORDS[:5]
    reference = flat_gradients(model, flat, records)
    squared = dpsgd.squared_norms(model, tf.constant(flat), tf.constant(records))
    kernel = reference[:, :15]
    assert (kernel[:, MASK.ravel() == 0] == 0).all()
    assert squared["first/kernel"].numpy() == pytest.approx(np.square(kernel).sum(axis=1), rel=1e-9)
    ghost = dpsgd.clipped_sum(model, tf.constant(flat), tf.constant(records), 0.3).numpy()
    assert ghost == pytest.approx(clip(reference, 0.3).sum(axis=0) * (1 - 1e-5), rel=1e-6, abs=1e-9)


def test_a_vehicle_is_clipped_by_the_norm_of_its_summed_gradient() -> None:
    flat = weights(8)
    vehicles = np.random.default_rng(2).integers(0, 5, (6, 3, 2)).astype(np.int32)
    vehicles[2, 1:] = vehicles[4] = NULL
    rows = flat_gradients(MODEL, flat, vehicles.reshape(-1, 2)).reshape(6, 3, SIZE)
    reference = clip(rows.sum(axis=1), 0.5)
    ghost = [
        dpsgd.clipped_sum(
            MODEL, tf.constant(flat), tf.constant(vehicles[part]), 0.5, per_vehicle=True
        ).numpy()
        for part in (slice(0, 0), slice(4, 5), slice(None))
    ]
    assert (ghost[0] == 0).all()
    assert (ghost[1] == 0).all()
    assert ghost[2] == pytest.approx(reference.sum(axis=0) * (1 - 1e-5), rel=1e-6, abs=1e-9)


def test_one_broken_trip_makes_its_vehicle_count_as_zero() -> None:
    flat = tf.constant(weights(5), tf.float32)
    vehicles = tf.constant([[[1, 2], [BROKEN, 0]], [[3, 0], [NULL, NULL]]])
    both = dpsgd.clipped_sum(MODEL, flat, vehicles, 1.0, per_vehicle=True).numpy()
    good = dpsgd.clipped_sum(MODEL, flat, vehicles[1:], 1.0, per_vehicle=True).numpy()
    assert both == pytest.approx(good, abs=1e-6)
    assert np.linalg.norm(good) > 0.1


@dataclass(frozen=True)
class Cancelling:
    """One kernel whose gradient is a small difference of large terms."""

    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: {"map/kernel": (40, 40)})

    def losses(self, layers: Layers, records: tf.Tensor) -> tf.Tensor:
        generator = np.random.default_rng(0)
        inputs = tf.constant(np.tile(generator.normal(0, 1, (1, 1, 40)), (1, 16, 1)), layers.dtype)
        inputs *= 1 + tf.cast(records[:, :, None], layers.dtype) * 1e-6
        signs = tf.constant(generator.normal(0, 1, (1, 1, 40)), layers.dtype) * tf.cast(
            (-1) ** np.arange(16)[None, :, None], layers.dtype
        )
        return tf.reduce_sum(layers.affine("map", inputs) * signs, axis=[1, 2])


def test_rounding_does_not_lift_a_contribution_above_the_clip_norm() -> None:
    model, records = (
        Cancelling(),
        np.random.default_rng(1).integers(0, 9, (16, 16)).astype(np.int32),
    )
    flat = tf.zeros(1600)
    exact = flat_gradients(model, np.zeros(1600), records)
    for norm in (1e-5, 1e-4, 1e-3, 1.0):
        for record in records:
            moved = dpsgd.clipped_sum(model, flat, tf.constant(record[None]), norm).numpy()
            assert np.linalg.norm(moved.astype(np.float64)) <= norm
    # the terms are a million times larger than their sum
    assert np.linalg.norm(exact, axis=1).max() < 1e-2


@pytest.mark.parametrize("compute", ["float16", "bfloat16"])
def test_a_model_may_be_computed_in_half_precision(compute: str) -> None:
    flat = tf.constant(weights(5), tf.float32)
    full = dpsgd.clipped_sum(MODEL, flat, tf.constant(RECORDS), 0.5).numpy()
    half = dpsgd.clipped_sum(
        MODEL, flat, tf.constant(RECORDS), 0.5, precision=Precision(compute, loss_scale=64.0)
    )
    assert half.dtype == tf.float32
    assert half.numpy() == pytest.approx(full, abs=0.02 * float(np.linalg.norm(full)))
    assert (half.numpy() != full).any()
    for record in RECORDS[:10]:
        moved = dpsgd.clipped_sum(
            MODEL, flat, tf.constant(record[None]), 1e-3, precision=Precision(compute, 64.0)
        )
        assert np.linalg.norm(moved.numpy().astype(np.float64)) <= 1e-3


def test_a_gradient_that_overflows_half_precision_counts_as_zero() -> None:
    flat = tf.constant(weights(5), tf.float32)
    records = tf.constant(RECORDS[:3])
    huge = Precision("float16", loss_scale=1e6)
    assert (dpsgd.clipped_sum(MODEL, flat, records, 0.5, precision=huge).numpy() == 0).all()


@dataclass(frozen=True)
class Forgetful(Perceptron):
    """Uses a parameter outside every layer, which would go unclipped."""

    def losses(self, layers: Layers, records: tf.Tensor) -> tf.Tensor:
        inputs = tf.one_hot(records[:, 0], self.values, dtype=layers.dtype)
        return tf.reduce_sum(layers.affine("first", inputs), 1) * tf.reduce_sum(
            layers.parameters["second/bias"]
        )


@dataclass(frozen=True)
class Folding(Perceptron):
    """Puts rows and positions on one axis before a layer."""

    def losses(self, layers: Layers, records: tf.Tensor) -> tf.Tensor:
        inputs = tf.one_hot(tf.reshape(records, [-1]), self.values, dtype=layers.dtype)
        outputs = layers.affine("second", layers.affine("first", inputs))
        return tf.reduce_sum(tf.reshape(outputs, [-1, 2 * self.values]), axis=1)


REFUSED: list[tuple[Perceptron, str]] = [
    (Forgetful(), "no layer applies .*second/bias"),
    (
        Changed(change=lambda layers, _: layers.parameters["first/bias"][None]),
        "used outside of layers.*first/bias",
    ),
    (
        Changed(
            change=lambda layers, records: layers.affine(
                "first", one_hot(layers, records), mask=tf.cast(MASK, layers.dtype)
            )
        ),
        "'first/kernel' is applied with different masks",
    ),
]


@pytest.mark.parametrize(("model", "text"), REFUSED)
def test_layers_that_would_be_measured_wrongly_are_refused(model: Perceptron, text: str) -> None:
    with pytest.raises(LayerError, match=text):
        dpsgd.clipped_sum(model, tf.zeros(SIZE), tf.constant(RECORDS), 1.0)


def test_a_layer_that_does_not_see_the_records_on_its_first_axis_is_refused() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="first axis is not that"):
        dpsgd.clipped_sum(Folding(), tf.zeros(SIZE), tf.constant(RECORDS), 1.0)
